//! Words that tell a sector, beside the keywords of the taxonomy.
//!
//! Lower case, singular; longer phrases win over the words in them. Written for this project from
//! everyday usage; the notes of the annotation guideline are in it (casinos and venues are
//! hospitality, bases and arms makers defence, activists and aid groups nonprofit).

/// `(facet path, words and phrases separated by ", ")`.
pub(crate) const SECTOR_WORDS: &[(&str, &str)] = &[
    (
        "/energy",
        "energy, utility, energy company, energy sector, energy infrastructure, energy \
         firm, energy facility, fuel depot, energy grid, energy site, ics",
    ),
    (
        "/energy/oil-gas",
        "oil, gas, crude, natural gas, oil and gas, oil field, oilfield, oil tanker, gas \
         field, gas pipeline, oil pipeline, pipeline, refinery, oil refinery, petrol \
         station, gas station, fuel tanker, oil facility, oil plant, gas plant, oil \
         company, petrochemical, petroleum, lng, oil terminal, oil rig, oil well, oil pump, \
         drilling rig, oil depot, oil installation, aramco, fuel truck",
    ),
    (
        "/energy/electricity",
        "electricity, power grid, electric grid, power station, power plant, power line, \
         substation, power company, electrical grid, power supply, hydroelectric, \
         electricity grid, power network, power sector, transformer station, wind farm, \
         power facility, power utility, electric utility, power system",
    ),
    (
        "/energy/nuclear",
        "nuclear plant, nuclear power plant, nuclear facility, nuclear reactor, reactor, \
         uranium, nuclear site, nuclear power, enrichment facility, centrifuge, nuclear \
         station, nuclear agency, nuclear programme, nuclear program",
    ),
    (
        "/transport",
        "transport, transportation, transit, transit system, public transport, logistics, \
         courier, postal service, parcel, freight, muni, transport network, bridge, \
         supply route, cargo",
    ),
    (
        "/transport/aviation",
        "airport, airline, aviation, aircraft, airliner, passenger plane, plane, \
         air traffic control, runway, flight, airplane, passenger jet, airspace, jetliner, \
         air carrier, aerospace, airline industry",
    ),
    (
        "/transport/maritime",
        "ship, shipping, port, seaport, vessel, tanker, oil tanker, cargo ship, maritime, \
         harbour, harbor, ferry, container ship, freighter, strait, shipping lane, merchant \
         ship, flotilla, boat, dock, shipping company",
    ),
    (
        "/transport/rail",
        "rail, railway, train, train station, railway station, subway, metro, tube, \
         railroad, underground station, rail network, metro station, tram, locomotive, \
         railway track, rail line",
    ),
    (
        "/transport/road",
        "bus, truck, lorry, road, highway, motorway, bus station, convoy, taxi, automobile, \
         car maker, carmaker, minibus, border crossing, trucker, uber",
    ),
    (
        "/finance",
        "finance, financial institution, financial sector, financial service, insurer, \
         insurance company, insurance, financial firm, financial system, hedge fund, \
         financial company, payment system, credit card company, accounting firm, fintech, \
         equifax, payment processor, pension fund, financial organization",
    ),
    (
        "/finance/banking",
        "bank, banking, central bank, lender, atm, banking sector, banking system, swift, \
         bank account, bank customer, credit union, banker",
    ),
    (
        "/finance/markets",
        "stock exchange, stock market, financial market, securities, investor, brokerage, \
         commodity exchange, trading platform, broker, bourse",
    ),
    (
        "/finance/crypto",
        "cryptocurrency, crypto, bitcoin, cryptocurrency exchange, bitcoin exchange, crypto \
         exchange, ethereum, bitcoin wallet, wallet, defi, stablecoin, blockchain",
    ),
    (
        "/government",
        "government, govt, ministry, minister, parliament, president, prime minister, senate, \
         congress, city hall, mayor, municipality, county, governor, government agency, \
         federal agency, state agency, white house, government office, lawmaker, politician, \
         official, government building, regime, presidential palace, council, local government, \
         state government, court, judge, supreme court, courthouse, prosecutor, senator, \
         legislator, cabinet, civil servant, tax agency, government network, government website, \
         public administration, treasury, capitol, intelligence agency, homeland security, \
         town hall, provincial council, monarchy, royal family, interior ministry, \
         government employee, vice president, deputy, head of state, chancellor, \
         government organization, authority, agency, mp, governmental, government entity, \
         government body, state institution, public institution, political party, ruling party, \
         opposition party, party leader, house of representatives, congressman, congresswoman, \
         parliamentarian, premier, presidency, intelligence service, secret service, spy agency, \
         secretary of state, tax authority, city council, public sector, e-government, gov, \
         pension fund",
    ),
    (
        "/government/elections",
        "election, voter, polling station, election official, ballot, election system, \
         voting machine, election commission, presidential campaign, candidate, electoral, \
         democratic national committee, voting system, vote, referendum, dnc, election campaign, \
         polling place",
    ),
    (
        "/government/law-enforcement",
        "police, policeman, policewoman, police officer, police station, police force, \
         law enforcement, checkpoint, gendarme, gendarmerie, fbi, europol, interpol, prison, \
         prison guard, detective, border guard, cop, sheriff, jail, constable, police chief, \
         police headquarters, police academy, security officer, customs, penitentiary, \
         coast guard",
    ),
    (
        "/government/diplomacy",
        "embassy, consulate, diplomat, ambassador, foreign ministry, foreign minister, \
         foreign office, diplomatic mission, united nations, un mission, envoy, \
         state department, peace talk, diplomatic post, consular, un convoy",
    ),
    (
        "/defence",
        "army, soldier, troop, military, military base, air base, airbase, naval base, navy, \
         air force, warship, navy ship, force, armed force, defence ministry, defense ministry, \
         fighter jet, barracks, marine, pentagon, nato, arms maker, arms depot, army post, \
         military post, security force, destroyer, garrison, defence contractor, \
         defense contractor, defence, defense, weapon, missile site, helicopter, drone, tank, \
         battalion, brigade, peacekeeper, army convoy, military convoy, military facility, \
         paramilitary, coalition force, submarine, military vehicle, military installation, \
         weapons depot, ammunition depot, regiment, servicemen, serviceman, commando, patrol, \
         military position, militia, fighter, rebel, command centre, command center, \
         defence department, military target, special force, defense department, guardsmen, \
         aircraft carrier, military aircraft, radar, air defence, air defense, national guard, \
         military personnel, war veteran, war college, warplane, arms manufacturer, \
         weapons manufacturer, defense company, defence company, defense industry, \
         defence industry, defense firm, defence firm, defense sector, defence sector, \
         general staff, military academy, weapons system, military computer, missile",
    ),
    (
        "/health",
        "hospital, clinic, doctor, nurse, patient, health, healthcare, health care, \
         medical centre, medical center, nhs, pharmaceutical, drug maker, drugmaker, ambulance, \
         medical facility, medical record, health service, health system, medical device, \
         health insurer, health worker, vaccine, laboratory, medic, health organisation, \
         health organization, paramedic, patient record, pharmacy, medical institution, \
         medical research, covid-19 vaccine, vaccine maker, pharmaceutical company, biotech, \
         health ministry",
    ),
    (
        "/water",
        "water, water supply, dam, water plant, water utility, water system, reservoir, \
         water treatment plant, sewage, wastewater, desalination plant, water company, \
         water pump, drinking water, water facility, water pipeline",
    ),
    (
        "/food",
        "food, farm, farmer, agriculture, agricultural, crop, grain, grain silo, livestock, \
         bakery, meat, seafood, food supply, supermarket, dairy, slaughterhouse, fishing \
         boat, fisherman, meat processor, brewery, food company, wheat, herder",
    ),
    (
        "/manufacturing",
        "factory, manufacturer, manufacturing, manufacturing facility, car factory, plant, \
         steel plant, steel mill, manufacturing plant, maker, car plant, industrial, \
         aluminium producer, industrial control system, textile, machinery, steelmaker",
    ),
    (
        "/chemical",
        "chemical, chemical plant, chemical company, fertilizer plant, chemical factory, \
         chemical facility, chemicals maker",
    ),
    (
        "/telecom",
        "telecom, telecommunication, telecoms, mobile operator, phone company, cell tower, isp, \
         internet service provider, internet provider, phone network, mobile network, \
         undersea cable, internet exchange, telephone, dns provider, carrier, sim card, \
         telephone exchange, repeater station, broadband, communications network, \
         satellite phone, telco, network operator, telecommunications company, telecom company, \
         telecoms company, telecom provider, satellite provider, internet infrastructure, \
         telephone company, phone operator, domain registrar, fibre-optic cable, \
         fiber-optic cable",
    ),
    (
        "/technology",
        "software, technology company, tech company, tech firm, it company, cloud, data center, \
         data centre, technology, software company, internet company, app, social network, \
         security firm, cybersecurity firm, web host, hosting provider, website, server, \
         database, router, iphone, windows, operating system, browser, \
         google, microsoft, facebook, apple, twitter, linkedin, yahoo, linux, user account, \
         online service, mongodb, elasticsearch, mysql, cloud service, iot, web server, \
         smart tv, pc, email account, web browser, mac, iphones, it firm, github, wordpress, \
         plugin, chip maker, chipmaker, developer, gaming company, startup, it network, \
         web application",
    ),
    (
        "/media",
        "journalist, newspaper, media, reporter, broadcaster, tv station, television, \
         television station, radio station, news agency, magazine, news website, editor, \
         media company, cartoonist, photographer, cameraman, publisher, blogger, press, \
         news organisation, news organization, film studio, film, movie studio, netflix, hbo, \
         disney, sony pictures, entertainment, studio, tv network, correspondent, media outlet, \
         tv channel, streaming service, social media account, writer, filmmaker, radio, \
         media worker, news site, music, author, record label, press agency, news portal, \
         news outlet, news channel, news media, media organization, media organisation, \
         radio broadcaster, state tv, tv, online newspaper, daily newspaper, weekly newspaper, \
         anchorman, podcast",
    ),
    (
        "/education",
        "school, university, student, teacher, college, schoolgirl, pupil, campus, education, \
         schoolchildren, professor, classroom, academic, kindergarten, school district, \
         schoolboy, research institute, academy, madrassa, educational, school bus, scholar, \
         research centre, research center, academia, educational institution, \
         research organization, research organisation, scientist, science institute, think tank",
    ),
    (
        "/emergency-services",
        "emergency service, firefighter, rescue worker, first responder, fire station, \
         rescuer, white helmet, civil defence, civil defense, fire department, rescue team, \
         911 system, emergency worker, emergency call, siren",
    ),
    (
        "/retail",
        "retailer, shop, store, market, marketplace, shopping centre, shopping center, \
         mall, shopping mall, supermarket, retail, online shop, shopper, bazaar, \
         e-commerce, point of sale, shopkeeper, department store, amazon, ebay, chain store",
    ),
    (
        "/hospitality",
        "hotel, casino, restaurant, resort, cafe, café, bar, nightclub, stadium, concert, \
         concert hall, theatre, theater, tourist, pub, cinema, sport, guest house, holiday \
         resort, museum, football club, inn, tourism, beach, music festival, festival, \
         arena, motel, olympics, concertgoer, amusement park, night club, holidaymaker, \
         gambling, ballroom, club, sports venue, athlete",
    ),
    ("/space", "satellite, space agency, nasa, rocket launch site, space, spacecraft, spaceport"),
    ("/mining", "mine, mining, mining company, coal mine, miner, gold mine, quarry, copper mine"),
    (
        "/nonprofit",
        "ngo, aid worker, activist, charity, human rights group, aid convoy, aid group, \
         red cross, aid agency, humanitarian, human rights defender, campaigner, dissident, \
         rights group, aid organisation, aid organization, non-profit, nonprofit, \
         civil society, relief worker, environmentalist, think tank, red crescent, \
         human rights activist, trade union, unionist, advocacy group, opposition activist, \
         volunteer, union leader, amnesty international, human right, \
         non-governmental organization, non-governmental organisation, civil rights group, \
         human rights organization, human rights organisation, rights activist, \
         opposition group, pro-democracy activist, exile group",
    ),
    (
        "/religion",
        "church, mosque, synagogue, temple, priest, imam, worshipper, shrine, christian, \
         pilgrim, monk, bishop, cathedral, monastery, religious minority, cleric, pope, \
         religious, coptic, rabbi, nun, congregation, seminary, jewish community, \
         religious organization, religious organisation, religious group, parish, diocese",
    ),
];

/// Phrases that hold such a word but belong to no sector, separated by ", ".
pub(crate) const NOT_SECTORS: &str = "united states, state of emergency, american people, bin laden, port of call, human shield, \
     city centre, city center, capital city, training camp, the public, in part, gas attack, \
     tear gas, poison gas, market share, water cannon, social security, car bomb, truck bomb, \
     suicide bomber, press conference, school shooter, news conference, work force, task force, \
     air strike, old city, new york city, mexico city, gaza city, kansas city, vatican city, \
     ho chi minh city, electronic army, cyber army, people's liberation army, liberation army, \
     military intelligence, military unit, security researcher, it researcher, \
     espionage campaign, phishing campaign, social media, government critic, government-backed, \
     government-sponsored, government-linked, government-affiliated, anti-government, \
     pro-government, ministry of state security, ministry of intelligence, revolutionary guard, \
     port scan, open port, hacker group, hacking group, black market";
