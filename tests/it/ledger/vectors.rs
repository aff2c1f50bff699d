//! schema/vectors.json: what others can hold their own reader to.

use exeunt::domain::event::LedgerOpened;
use exeunt::evidence::merkle;
use exeunt::ledger::chain;
use exeunt::ledger::commitment::Opening;
use serde_json::Value;
use zeroize::Zeroizing;

#[test]
fn the_vectors_hold() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../schema/vectors.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(text(&vectors["context"]), chain::CONTEXT);
    let mut prev = chain::NO_LINK;
    let mut leaves = Vec::new();
    for (seq, vector) in (0..).zip(vectors["entries"].as_array().unwrap()) {
        let bytes = text(&vector["bytes"]).into_bytes();
        let entry = chain::parse_canonical(&bytes).unwrap();
        assert_eq!(chain::encode(&entry).unwrap(), bytes);
        assert_eq!((entry.seq, &entry.prev), (seq, &hex::encode(prev)));
        prev = chain::link(&bytes);
        assert_eq!(hex::encode(prev), text(&vector["link"]));
        assert_eq!(hex::encode(merkle::leaf(&bytes)), text(&vector["leaf"]));
        if seq == 0 {
            assert!(entry.payload::<LedgerOpened>().is_some());
        }
        leaves.push(bytes);
    }
    assert_eq!(leaves.len(), 2);
    assert_eq!(hex::encode(merkle::root(&leaves)), text(&vectors["root"]));

    let vector = &vectors["commitment"];
    let mut key = [0; 32];
    hex::decode_to_slice(text(&vector["key"]), &mut key).unwrap();
    let opening = Opening {
        key: Zeroizing::new(key),
        value: text(&vector["value"]).into_bytes(),
    };
    assert_eq!(opening.commitment(), text(&vector["commitment"]));
    // the second entry carries it
    let second = chain::parse(&leaves[1]).unwrap();
    assert!(opening.opens(&second.commit["mail"]));
}
