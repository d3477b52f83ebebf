//! Merges and deletions that die at every single point where they could: what was begun is finished by whoever comes
//! next, and nothing of value is lost.

use std::sync::Arc;
use std::task::Poll;

use wxgate::domain::identity::IdentityId;
use wxgate::domain::ids::UserId;
use wxgate::service::records::User;
use wxgate::store::Change;

use crate::sessions_property::engine::{Memory, finish, poll};
use crate::users_property::Stage;

fn id(text: &str) -> IdentityId {
    text.parse().unwrap()
}

/// Two people with two sessions each, who are about to turn out to be one.
struct Scene {
    engine: Arc<Memory>,
    stage: Stage,
    ann: User,
    bob: User,
}

impl Scene {
    fn new() -> Self {
        let engine = Memory::new();
        let stage = Stage::new(&engine);
        let users = &stage.users;
        let ann = finish(users.prove(&id("wechat:wx1:ann"), None, |_| Change::Keep)).unwrap();
        let bob = finish(users.register(&id("username::bob"), false, |user| {
            user.password = Some("a hash".to_owned());
            user.nickname = Some("Bob".to_owned());
        }))
        .unwrap();
        finish(users.link(&ann.id, &id("phone::+8613800138000"))).unwrap();
        for user in [&ann, &bob] {
            for name in ["one", "other"] {
                finish(stage.instance.log_in(&user.id)).unwrap();
                finish(stage.rooms.create(&user.id, name.parse().unwrap())).unwrap();
            }
        }
        Self {
            engine,
            stage,
            ann,
            bob,
        }
    }

    async fn merge(&self) {
        let phone = id("phone::+8613800138000");
        self.stage.users.link(&self.bob.id, &phone).await.unwrap();
    }

    fn by_name(&self) -> User {
        let known = finish(self.stage.users.known_as(&id("username::bob"))).unwrap();
        known.expect("a name is lost").1
    }

    /// Nothing is there but what is needed to refuse the tokens of the sessions.
    fn is_empty(&self) {
        for collection in ["users", "identities", "rooms", "media"] {
            let left = self.engine.all(collection);
            assert!(left.is_empty(), "{collection}: {left:?}");
        }
        let sessions = self.engine.all("sessions");
        assert_eq!(sessions.len(), 4);
        for session in sessions.values() {
            assert!(session.contains_key("ended_at"), "a session goes on: {session:?}");
        }
    }

    fn delete(&self, user: &UserId) {
        finish(self.stage.users.delete(user)).unwrap();
    }
}

/// Polls so often, and lets it die. Says whether it had ended before.
fn die_after<F: Future>(polls: usize, work: F) -> bool {
    let mut work = std::pin::pin!(work);
    (0..polls).any(|_| matches!(poll(work.as_mut()), Poll::Ready(_)))
}

fn in_a_runtime(test: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    test();
}

#[test]
fn a_merge_may_die_anywhere() {
    in_a_runtime(|| {
        let mut points = 0;
        loop {
            let scene = Scene::new();
            let users = &scene.stage.users;
            let has_ended = die_after(points, scene.merge());
            // Both come back, each by a way of their own.
            let ann = finish(users.prove(&id("wechat:wx1:ann"), None, |_| Change::Keep)).unwrap();
            assert_eq!(ann.id, scene.ann.id);
            let bob = finish(users.prove(&id("username::bob"), None, |_| Change::Keep)).unwrap();
            assert_eq!(bob.id, scene.by_name().id);
            let current = finish(users.get(&bob.id)).unwrap().unwrap();
            assert_eq!(
                current.password.as_deref(),
                Some("a hash"),
                "after {points} steps"
            );
            assert_eq!(current.nickname.as_deref(), Some("Bob"), "after {points} steps");
            if bob.id == ann.id {
                let known = finish(users.identities(&ann.id)).unwrap();
                assert_eq!(known.len(), 3, "after {points} steps");
                let left = finish(users.get(&scene.bob.id)).unwrap().unwrap();
                assert_eq!(left.id, ann.id);
                // What the one gives up does not come back from the other.
                let clear = |user: &mut User| user.nickname = None;
                finish(users.update(&ann.id, clear)).unwrap();
                finish(users.prove(&id("username::bob"), None, |_| Change::Keep)).unwrap();
                let again = finish(users.get(&ann.id)).unwrap().unwrap();
                assert_eq!(again.nickname, None);
            } else {
                assert!(!has_ended);
                scene.delete(&bob.id);
            }
            scene.delete(&ann.id);
            scene.is_empty();
            if has_ended {
                assert_eq!(bob.id, ann.id);
                break;
            }
            points += 1;
        }
        assert!(points > 40, "it has only {points} steps");
    });
}

/// Whoever deletes the survivor of a merge that died deletes the whole person, with nobody coming back before.
#[test]
fn a_merge_that_died_is_deleted_whole() {
    in_a_runtime(|| {
        let mut points = 0;
        loop {
            let scene = Scene::new();
            let has_ended = die_after(points, scene.merge());
            scene.delete(&scene.ann.id);
            if finish(scene.stage.users.get(&scene.bob.id)).unwrap().is_some() {
                assert!(!has_ended);
                scene.delete(&scene.bob.id);
            }
            scene.is_empty();
            if has_ended {
                break;
            }
            points += 1;
        }
        assert!(points > 40, "it has only {points} steps");
    });
}

#[test]
fn a_deletion_may_die_anywhere() {
    in_a_runtime(|| {
        let mut points = 0;
        let mut undone = 0;
        loop {
            let scene = Scene::new();
            let users = &scene.stage.users;
            finish(users.link(&scene.bob.id, &id("phone::+8613800138000"))).unwrap();
            let has_ended = die_after(points, users.delete(&scene.ann.id));
            // The next start.
            finish(users.finish_deletions()).unwrap();
            match finish(users.get(&scene.ann.id)).unwrap() {
                // It died before it had said anything.
                Some(ann) => {
                    undone += 1;
                    assert_eq!(finish(users.identities(&ann.id)).unwrap().len(), 3);
                    assert_eq!(ann.password.as_deref(), Some("a hash"));
                }
                None => scene.is_empty(),
            }
            if has_ended {
                break;
            }
            points += 1;
        }
        assert!(points > 40 && undone < 20, "{points} steps, {undone} undone");
    });
}

/// A room that is made while its owner goes, at every point of its making.
#[test]
fn a_room_does_not_outlive_its_owner() {
    in_a_runtime(|| {
        for points in 0..30 {
            let scene = Scene::new();
            let mut making = Box::pin(scene.stage.rooms.create(&scene.ann.id, "late".parse().unwrap()));
            let is_made = (0..points).any(|_| poll(making.as_mut()).is_ready());
            scene.delete(&scene.ann.id);
            if !is_made {
                // Made before the deletion and gone with it, or refused.
                drop(finish(making));
            }
            let rooms = scene.engine.all("rooms");
            assert!(
                rooms.values().all(|room| room["owner"] == scene.bob.id.as_str()),
                "after {points} steps: {rooms:?}"
            );
        }
    });
}

#[test]
fn any_number_of_deletions_is_finished() {
    in_a_runtime(|| {
        let engine = Memory::new();
        let stage = Stage::new(&engine);
        for number in 0..120 {
            let id = id(&format!("wechat:wx1:o{number}"));
            let user = finish(stage.users.prove(&id, None, |_| Change::Keep)).unwrap();
            let mut deleting = Box::pin(stage.users.delete(&user.id));
            while !engine.all("users")[user.id.as_str()].contains_key("deleted_at") {
                assert!(poll(deleting.as_mut()).is_pending());
            }
        }
        finish(stage.users.finish_deletions()).unwrap();
        assert!(engine.all("users").is_empty() && engine.all("identities").is_empty());
    });
}
