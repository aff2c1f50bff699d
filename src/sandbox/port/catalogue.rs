//! Entities and their relations: who points at whom, and what a deletion takes along.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::port::{
    model::{Entity, Place, Relation, USER_BLUEPRINT},
    world::World,
};

impl World {
    /// Declares a relation of a blueprint.
    pub(crate) fn set_relation(&mut self, blueprint: &str, name: &str, relation: Relation) {
        let relations = self.blueprints.entry(blueprint.to_owned()).or_default();
        relations.insert(name.to_owned(), relation);
        self.revision += 1;
    }

    /// Tells whether there is a blueprint.
    pub(crate) fn has_blueprint(&self, blueprint: &str) -> bool {
        if blueprint == USER_BLUEPRINT {
            !self.settings.no_user_blueprint
        } else {
            self.blueprints.contains_key(blueprint)
        }
    }

    /// Adds an entity, or takes the place of the one with the same identifier.
    pub(crate) fn put_entity(&mut self, entity: Entity) {
        let place = entity.place();
        self.drop_entity(&place);
        self.blueprints.entry(entity.blueprint.clone()).or_default();
        for (_, target) in self.targets(&entity) {
            let sources = self.pointing.entry(target).or_default();
            sources.insert(place.clone());
        }
        self.note_creator(&entity.created_by, place.clone());
        self.entities.insert(place, entity);
        self.revision += 1;
    }

    /// Takes an entity away and leaves alone what points at it.
    pub(crate) fn drop_entity(&mut self, place: &Place) -> bool {
        let Some(entity) = self.entities.remove(place) else {
            return false;
        };
        for (_, target) in self.targets(&entity) {
            if let Some(sources) = self.pointing.get_mut(&target) {
                sources.remove(place);
            }
        }
        self.forget_creator(&entity.created_by, place);
        self.revision += 1;
        true
    }

    /// Returns whatever an entity points at, each with whether the relation is required.
    pub(crate) fn targets(&self, entity: &Entity) -> Vec<(bool, Place)> {
        let declared = self.blueprints.get(&entity.blueprint);
        let mut found = Vec::new();
        for (name, targets) in &entity.relations {
            let Some(relation) = declared.and_then(|declared| declared.get(name)) else {
                continue;
            };
            let places = targets
                .iter()
                .map(|id| (relation.target.clone(), id.clone()));
            found.extend(places.map(|place| (relation.required, place)));
        }
        found
    }

    /// Returns the entities that point at a place, by relations that are required or not, or by any.
    pub(crate) fn sources(&self, place: &Place, required: Option<bool>) -> BTreeSet<Place> {
        let Some(sources) = self.pointing.get(place) else {
            return BTreeSet::new();
        };
        let points = |source: &&Place| {
            let targets = self
                .entities
                .get(*source)
                .map(|entity| self.targets(entity));
            targets
                .unwrap_or_default()
                .into_iter()
                .any(|(needs, target)| {
                    target == *place && required.is_none_or(|required| required == needs)
                })
        };
        sources.iter().filter(points).cloned().collect()
    }

    /// Deletes an entity; a user's one with its user.
    ///
    /// With its dependents everything that points at it goes too, and what points at that. Without
    /// them nothing is deleted where a required relation points at it (its sources are returned),
    /// and other relations are emptied.
    pub(crate) fn delete(
        &mut self,
        place: &Place,
        dependents: bool,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<(), BTreeSet<Place>> {
        if !dependents {
            let needing = self.sources(place, Some(true));
            if !needing.is_empty() {
                return Err(needing);
            }
            for source in self.sources(place, None) {
                self.unlink(&source, place);
            }
            self.drop_place(place, by, now);
            return Ok(());
        }
        let (mut waiting, mut seen) = (vec![place.clone()], BTreeSet::new());
        while let Some(next) = waiting.pop() {
            if seen.insert(next.clone()) {
                waiting.extend(self.sources(&next, None));
                self.drop_place(&next, by, now);
            }
        }
        Ok(())
    }

    /// Deletes one place and says so in the audit log.
    pub(crate) fn drop_place(&mut self, place: &Place, by: &str, now: DateTime<Utc>) {
        let was_there = if place.0 == USER_BLUEPRINT {
            self.drop_user(&place.1).is_some()
        } else {
            self.drop_entity(place)
        };
        if was_there {
            let diff = json!({ "before": { "identifier": place.1 }, "after": Value::Null });
            self.audit(("DELETE", by), place, diff, now);
        }
    }

    fn unlink(&mut self, source: &Place, target: &Place) {
        let Some(mut entity) = self.entities.get(source).cloned() else {
            return;
        };
        for targets in entity.relations.values_mut() {
            targets.retain(|id| *id != target.1);
        }
        self.put_entity(entity);
    }
}
