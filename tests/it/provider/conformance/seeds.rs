//! Writes the sandbox's answers as the seeds of fuzz/.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use exeunt::sandbox::population::Population;

use crate::provider::conformance::changes::order;
use crate::provider::conformance::changes::wanted;
use crate::provider::conformance::house::One;
use crate::provider::conformance::house::Plan;
use crate::provider::conformance::house::cases;

const STATUSES: [u16; 10] = [200, 201, 204, 302, 400, 401, 403, 404, 409, 410];

/// Answers as an input of fuzz/: what is asked, then status and body, each ended by 0xFF.
async fn recorded<F: Future<Output = ()>>(one: &One, what: u8, work: F) -> Vec<u8> {
    let input = Arc::new(Mutex::new(vec![what]));
    let kept = Arc::clone(&input);
    one.proxy.as_ref().unwrap().set_hook(move |told| {
        if told.path.contains("access_token") || told.path.contains("/as/token") {
            return;
        }
        let mut input = kept.lock().unwrap();
        let place = STATUSES.iter().position(|s| *s == told.status).unwrap_or(0);
        input.push(b'0' + u8::try_from(place).unwrap());
        input.extend(&told.body);
        input.push(0xff);
    });
    work.await;
    one.proxy.as_ref().unwrap().clear();
    let input = input.lock().unwrap();
    input.clone()
}

#[tokio::test]
#[ignore = "writes the seeds of fuzz/ to EXEUNT_SEEDS"]
async fn write_seeds() {
    let to = PathBuf::from(std::env::var("EXEUNT_SEEDS").unwrap());
    for (name, start) in cases() {
        let population = Population::mixed(6, 12);
        let one = Plan::new(start, population).proxied().hasty().open();
        let (people, heir) = one.staff().await;
        let account = &people[0];
        let mut seeds = vec![
            recorded(&one, 0, async { drop(one.read().await) }).await,
            recorded(&one, 1, async {
                one.adapter.activity(&[], one.now(), &|_| {}).await;
            })
            .await,
            recorded(&one, 2, async {
                let _ = one.adapter.account(&account.id).await;
                let _ = one.adapter.owned(&account.id).await;
            })
            .await,
            recorded(&one, 3, async { drop(one.adapter.check().await) }).await,
        ];
        let does = wanted(&one)[0];
        let change = async {
            let target = one.target(account, &heir);
            let order = order(&one, &target, does).await;
            one.adapter.execute(&target, &order).await;
            let _ = one.adapter.settle(&target, does).await;
        };
        seeds.push(recorded(&one, 4, change).await);
        let folder = to.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("{number}")), seed).unwrap();
        }
    }
}
