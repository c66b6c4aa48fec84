use std::ops::Range;

use super::*;

/// Checks which of the bracketed phrases of `text` are left; those with a capital are names, as is
/// what `names` begins with.
#[track_caller]
fn check_role(role: Role, text: &str, expected: &[&str]) {
    let mut words: Vec<&str> = vec![];
    let mut spans: Vec<Range<usize>> = vec![];
    for word in text.split(' ') {
        match word {
            "[" => spans.push(words.len()..words.len()),
            "]" => spans.last_mut().expect("it was opened").end = words.len(),
            _ => words.push(word),
        }
    }
    let grammar = Grammar::of_words(words.iter().copied());
    let party = |words_of: Range<usize>| {
        let is_capital = |it: &&str| it.starts_with(char::is_uppercase);
        Party {
            holds_name: words[words_of.clone()].iter().any(is_capital),
            is_name: words[words_of.clone()].iter().all(is_capital),
            span: RoleSpan { role, sentence: 0, words: words_of, score: 0.9, sectors: vec![] },
            owner: None,
        }
    };
    let struck = words.iter().position(|it| *it == "struck").unwrap_or_default();
    let found =
        those_meant(spans.into_iter().map(party).collect(), &(struck..struck + 1), &grammar);
    let found: Vec<String> =
        found.iter().map(|it| words[it.span.words.clone()].join(" ")).collect();
    assert_eq!(found, expected, "{text}");
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_role(Role::Actor, text, expected);
}

#[test]
fn a_description_gives_way_to_the_name_it_is_given() {
    check("a [ hacker ] going by the pseudonym “ [ Murk ] ” struck", &["Murk"]);
    check("the [ crew ] , dubbed [ Glass Spider ] by analysts , struck", &["Glass Spider"]);
    check("[ Ovi Brandt ] , known as [ the Fox ] , struck", &["Ovi Brandt"]);
    check("the [ crew ] and the gang called [ Murk ] struck", &["crew", "Murk"]);
    check("a [ crew ] struck and the [ gang ] went by", &["crew", "gang"]);
}

#[test]
fn an_apposition_is_the_name_beside_it() {
    check("[ Ruritania ] , a [ league member ] , struck", &["Ruritania"]);
    check("[ Murk ] , another arm of the [ Directorate ] , struck", &["Murk"]);
    check("the [ dictator ] , [ Ovi Brandt ] , struck", &["Ovi Brandt"]);
    check("[ Ovi Brandt ] , [ dictator ] , struck", &["Ovi Brandt"]);
    check("[ Ruritania ] , [ rebels ] , [ clans ] , struck", &["Ruritania", "rebels", "clans"]);
    check("[ Ruritania ] , the [ rebels ] and clans struck", &["Ruritania", "rebels"]);
    check("[ Ruritania ] , [ Freedonia ] , both struck", &["Ruritania", "Freedonia"]);
}

#[test]
fn forces_act_and_not_whose_they_are() {
    check("[ Ruritania ] says [ its troops ] struck", &["its troops"]);
    check("[ Ovi Brandt ] , whose [ forces ] struck", &["forces"]);
    check("[ Ruritania ] and [ its troops ] struck", &["Ruritania", "its troops"]);
    check("[ Ruritania ] says [ its allies ] struck", &["Ruritania", "its allies"]);
}

#[test]
fn forces_remember_whose_they_are() {
    let span = |words: Range<usize>| RoleSpan {
        role: Role::Actor,
        sentence: 0,
        words,
        score: 0.9,
        sectors: vec![],
    };
    let party = |words: Range<usize>| Party {
        span: span(words),
        holds_name: false,
        is_name: false,
        owner: None,
    };
    let grammar = Grammar::of_words("Ruritania says its troops struck".split(' '));
    let found = those_meant(vec![party(0..1), party(2..4)], &(4..5), &grammar);
    assert_eq!(found, [Party { owner: Some(span(0..1)), ..party(2..4) }]);
}

#[test]
fn an_actor_is_named_once() {
    check("the [ hackers ] said that the [ hackers ] struck", &["hackers"]);
    check_role(Role::Target, "they hit [ banks ] , more [ banks ]", &["banks", "banks"]);
}

#[test]
fn qualities_and_instruments_do_not_act() {
    check("an [ armed ] raid on a bank", &[]);
    check("an [ Oslo-based ] plot", &[]);
    check("a [ wiper ] that [ Murk ] used", &["Murk"]);
    check("two [ drones ] struck", &["drones"]);
}

#[test]
fn who_stands_in_another_clause_does_not_act() {
    check("[ Ruritania ] will strike if the [ Freedonians ] march", &["Ruritania"]);
    check("if [ Ruritania ] strikes", &["Ruritania"]);
    check("[ Murk ] struck ; [ Ruritania ] denied it", &["Murk"]);
    check("[ Ruritania ] denied it ; [ Murk ] struck", &["Murk"]);
    check("the [ hackers ] bragged ; one of them struck", &["hackers"]);
    check_role(Role::Target, "it struck [ banks ] ; [ ports ]", &["banks", "ports"]);
}

#[test]
fn a_phrase_that_fell_apart_is_one() {
    check(
        "the [ supporters of ] a [ beaten chairman ] struck",
        &["supporters of a beaten chairman"],
    );
    check("[ supporters ] of a [ beaten chairman ] struck", &["supporters", "beaten chairman"]);
}

#[test]
fn a_pronoun_gives_way_to_whom_it_means() {
    check("when [ they ] struck , the [ hackers ] laughed", &["hackers"]);
    check("[ they ] struck", &["they"]);
    check("[ he ] and [ others ] struck", &["he", "others"]);
    check_role(Role::Target, "[ people ] were sent mails to trick [ them ]", &["people"]);
}

#[test]
fn words_of_time_and_participles_are_no_actors() {
    check("by [ morning ] [ thieves ] struck", &["thieves"]);
    check("the account of a [ returning ] officer was struck", &[]);
    check("[ Wirring ] and the [ king ] struck", &["Wirring", "king"]);
}
