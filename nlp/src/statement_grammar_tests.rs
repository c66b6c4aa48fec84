use super::*;

fn grammar(text: &str) -> Grammar {
    Grammar::of_words(text.split(' '))
}

fn span(role: Role, words: Range<usize>) -> RoleSpan {
    RoleSpan { role, sentence: 0, words, score: 0.9, sectors: vec![] }
}

/// Checks what becomes of `spans` in `text`, whose act is `trigger`.
#[track_caller]
fn check_roles(text: &str, trigger: Range<usize>, spans: &[RoleSpan], expected: &[RoleSpan]) {
    let reading = Reading {
        sentence: 0,
        trigger,
        score: 0.9,
        kinds: [0.0; 6],
        domains: [0.0; 4],
        modalities: [0.0; 4],
        tenses: [0.0; 3],
        spans: spans.to_vec(),
    };
    let roles = grammar(text).roles(&reading);
    let told = |it: &RoleSpan| (it.role, it.words.clone());
    let roles: Vec<_> = roles.iter().map(told).collect();
    assert_eq!(roles, expected.iter().map(told).collect::<Vec<_>>(), "{text}");
}

#[track_caller]
fn check_kind(text: &str, trigger: Range<usize>, expected: StatementKind) {
    assert_eq!(grammar(text).kind(StatementKind::Attack, &trigger), expected, "{text}");
}

#[test]
fn who_stands_before_a_passive_act_suffers_it() {
    let bank = || span(Role::Actor, 0..2);
    let passive = "The bank has since been hacked";
    check_roles(passive, 5..6, &[bank()], &[span(Role::Target, 0..2)]);
    let passive = "The bank was later hacked by thieves";
    check_roles(passive, 4..5, &[bank()], &[span(Role::Target, 0..2)]);
    let active = "The bank attacked thieves";
    check_roles(active, 2..3, &[bank()], &[bank()]);
    check_roles("The bank came under fire", 2..5, &[bank()], &[span(Role::Target, 0..2)]);
    check_roles("The bank under siege struck", 4..5, &[bank()], &[bank()]);
    let hit = [bank(), span(Role::Target, 4..5)];
    check_roles("The bank was hit hard", 3..4, &hit, &hit[1..]);
}

#[test]
fn who_foils_calls_or_is_told_does_not_act() {
    let police = || span(Role::Actor, 0..1);
    check_roles("Police said they had foiled a plot to bomb it", 6..9, &[police()], &[]);
    check_roles("Cells whose plot was foiled bombed it", 5..6, &[police()], &[police()]);
    check_roles("Ruritania called the blockade unlawful", 3..4, &[police()], &[]);
    check_roles("Ruritania called up men to strike", 5..6, &[police()], &[police()]);
    let obtained = "Files were obtained by thieves";
    check_roles(obtained, 2..3, &[span(Role::Actor, 4..5)], &[span(Role::Actor, 4..5)]);
    let chief = span(Role::Speaker, 7..8);
    check_roles(
        "We will strike , it wrote in notes seen by Wirra",
        2..3,
        &[span(Role::Speaker, 10..11)],
        &[],
    );
    let told = [chief.clone(), span(Role::Speaker, 10..11)];
    check_roles("We will strike , the gang 's chief told the Wirra", 2..3, &told, &[chief]);
}

#[test]
fn who_calls_a_report_false_denies_it() {
    let reading = |kinds: [f32; 6]| Reading {
        sentence: 0,
        trigger: 2..5,
        score: 0.9,
        kinds,
        domains: [0.0; 4],
        modalities: [0.0; 4],
        tenses: [0.0; 3],
        spans: vec![span(Role::Actor, 0..1)],
    };
    let grammar = grammar("Ruritania called the report absurd");
    let of_denial = reading([0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(grammar.roles(&of_denial), of_denial.spans);
    assert_eq!(grammar.roles(&reading([0.0, 0.0, 1.0, 0.0, 0.0, 0.0])), []);
}

#[test]
fn who_is_set_a_date_is_the_one_threatened() {
    let bank = || span(Role::Actor, 0..2);
    let [actor, target] = [[bank()], [span(Role::Target, 0..2)]];
    check_roles("The bank has 48 hours to pay , or we strike", 10..11, &actor, &target);
    check_roles("The bank had until Monday before the attack", 7..8, &actor, &target);
    check_roles("The bank has two days of attacks behind it", 6..7, &actor, &actor);
    check_roles("The bank has attacked it", 3..4, &actor, &actor);
}

#[test]
fn accusers_datelines_platforms_and_years_do_not_act() {
    check_roles("Ruritania accused spies of hacking", 4..5, &[span(Role::Actor, 0..1)], &[]);
    let dateline = "PORTSEA ( Northgate Wire ) — Ships were shelled";
    check_roles(dateline, 8..9, &[span(Role::Actor, 2..4)], &[]);
    let post = "its Telegram channel said we attack";
    check_roles(post, 5..6, &[span(Role::Actor, 1..2)], &[]);
    let post = "They said on Telegram they hit";
    check_roles(post, 5..6, &[span(Role::Target, 3..4)], &[]);
    check_roles(
        "They saw an attack on Telegram",
        3..4,
        &[span(Role::Target, 5..6)],
        &[span(Role::Target, 5..6)],
    );
    check_roles("In 2012 hackers struck", 3..4, &[span(Role::Actor, 1..2)], &[]);
    let plain = [span(Role::Actor, 0..1)];
    check_roles("NATO bombed a bridge — twice", 1..2, &plain, &plain);
}

#[test]
fn words_around_an_act_tell_its_kind() {
    check_kind("We have never attacked a grid", 3..4, StatementKind::Denial);
    check_kind("Murk threatens ports ; Freedonia denies a role", 5..8, StatementKind::Denial);
    check_kind("Murk denied ships passage", 1..4, StatementKind::Attack);
    check_kind("The plant was not hit", 4..5, StatementKind::Denial);
    check_kind("He denied having hacked it", 3..4, StatementKind::Denial);
    let denied = "Ruritania denied on Monday that it had ordered the attack on it";
    check_kind(denied, 7..10, StatementKind::Denial);
    let of_others = "He denied that it is his , and hinted that rebels attacked";
    check_kind(of_others, 11..12, StatementKind::Attack);
    check_kind("They did not say how hackers attacked", 6..7, StatementKind::Attack);
    check_kind("It not only encrypts files", 3..4, StatementKind::Attack);
    check_kind("They tried to hack it", 1..4, StatementKind::Attempt);
    check_kind("A plot to blow it up", 3..5, StatementKind::Attempt);
    check_kind("They threatened a strike", 1..2, StatementKind::Threat);
    check_kind("Banks are vulnerable to such attacks", 5..6, StatementKind::Warning);
    check_kind("A cell claimed responsibility for the blast", 6..7, StatementKind::Claim);
    check_kind("Nobody claimed responsibility for the blast", 5..6, StatementKind::Attack);
    check_kind("No group has claimed credit for the blast", 7..8, StatementKind::Attack);
    let claimed = "No one died , a cell claimed responsibility for the blast";
    check_kind(claimed, 10..11, StatementKind::Claim);
    let unclaimed = "It hasn't claimed responsibility for the blast";
    check_kind(unclaimed, 6..7, StatementKind::Attack);
    check_kind("Thieves didn’t hit the plant", 2..3, StatementKind::Denial);
    check_kind("They have not yet attacked it", 4..5, StatementKind::Denial);
    check_kind("Despite the risks , militants attacked", 5..6, StatementKind::Attack);
}

#[test]
fn amounts_beside_names_and_vague_words_are_nobody() {
    let text = "Thieves hit 86 homes and many ones";
    let homes = span(Role::Target, 3..4);
    let all = [span(Role::Target, 2..3), homes.clone(), span(Role::Target, 5..7)];
    check_roles(text, 1..2, &all, &[homes]);
    let killed = [span(Role::Target, 1..2)];
    check_roles("Bombs 36 killed", 2..3, &killed, &killed);
}

#[test]
fn words_without_an_act_are_no_trigger() {
    assert!(!grammar("many small ones would do").tells_act(&(3..5)));
    assert!(grammar("it would strike").tells_act(&(1..3)));
}

#[test]
fn loose_words_are_cut_off() {
    assert_eq!(grammar("the attack on a bank").trigger(0..4), 1..3);
    assert_eq!(grammar("targets of a").trigger(0..3), 0..1);
    assert_eq!(grammar("the bank in").phrase(0..3, false), Some(1..2));
    assert_eq!(grammar("the bank in").phrase(0..3, true), Some(0..2));
    assert_eq!(grammar("of the").phrase(0..2, false), None);
}

#[test]
fn who_denies_uses_words_that_deny() {
    for text in ["It was n't us", "They DISOWNED the deed", "No , said Murk", "It cannot be"] {
        assert!(grammar(text).may_deny(), "{text}");
    }
    for text in ["Murk said that it had set the fire", "Northern notes", "Night fell on Marl"] {
        assert!(!grammar(text).may_deny(), "{text}");
    }
}
