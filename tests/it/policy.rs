//! A policy that loosens a safeguard rules only once an approver has adopted it.

use exeunt::sandbox::Role;
use exeunt::sandbox::cast;
use exeunt::sandbox::docspace::Status;

use crate::safety::house::House;
use crate::safety::house::IDLE;
use crate::safety::house::LEAVERS;

fn protections(house: &House, role: Role) -> Vec<String> {
    let accounts = house.ws.items(&["accounts"]);
    let own = accounts.iter().find(|a| a["email"] == cast(role).email);
    let listed = own.unwrap()["protected"].as_array().unwrap().clone();
    listed
        .iter()
        .map(|p| p.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn whoever_is_dropped_from_the_protection_list_stays_protected_until_that_is_adopted() {
    let house = House::settled("", &[LEAVERS, IDLE]);
    let dieter = cast(Role::Idle).email;
    let list = format!("attempts = 1\nprotect = [\"{}\"]\n", dieter.to_uppercase());
    house.ws.reconfigure("attempts = 1\n", &list);
    house.ws.run(&["sync"]).exits(0).says("rules from here on");
    house.ws.reconfigure(&list, "attempts = 1\n");
    house.ws.run(&["sync"]).exits(0).says("loosens safeguards");
    assert_eq!(protections(&house, Role::Idle), ["listed"]);

    let house = house.a_month_later();
    house.ws.run(&["run"]).exits(0);
    assert_eq!(house.status(Role::Idle), Status::Active);
    assert_eq!(house.status(Role::FailedOnly), Status::Terminated);

    house
        .ws
        .run(&["policy", "approve", "--reason", "Dieter needs it no more"])
        .exits(0);
    house.ws.run(&["sync"]).exits(0);
    assert!(protections(&house, Role::Idle).is_empty());
    house.ws.is_sound();
}

#[test]
fn a_directory_that_is_taken_away_goes_on_to_count_until_that_is_adopted() {
    let house = House::settled("", &[LEAVERS]);
    // HR says that Farida has left; the directory, which is not configured any more, has her.
    house.ws.write(
        "hr.csv",
        &format!("id,mail\n7,{}\n", cast(Role::AlsoActive).email),
    );
    let config = house.ws.read("exeunt.toml");
    let begin = config.find("[[directory]]").unwrap();
    let end = config.find("[[tenant]]").unwrap();
    let hr = "[[directory]]\nname = \"hr\"\nkind = \"csv\"\npath = \"hr.csv\"\n\
              columns = { key = \"id\", mail = \"mail\" }\ncontains = \"leavers\"\n\n";
    house.ws.write(
        "exeunt.toml",
        &format!("{}{hr}{}", &config[..begin], &config[end..]),
    );
    house.ws.run(&["run"]).exits(0).says("loosens safeguards");
    house.ws.run(&["run"]).exits(0);
    assert_eq!(house.status(Role::AlsoActive), Status::Active);
    assert!(
        house
            .ws
            .items(&["departed"])
            .iter()
            .all(|p| p["directory"] == "corp")
    );
    house.ws.is_sound();
}
