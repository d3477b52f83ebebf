//! How a call goes through the platform: counted, matched against the fault rules, checked in WeChat's
//! order, served, logged. HTTP itself is `wire`'s matter.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::http::Method;

use super::api_security::exchange;
use super::call::Call;
use super::clock::{Clock, Moment};
use super::endpoints::{Endpoint, Index, Server, Verb};
use super::errcode;
use super::faults::{Delivery, Plan};
use super::open;
use super::push;
use super::push::settings::ServerSettings;
use super::reply::{Answer, Refusal, Reply, Style};
use super::settings::{AppKind, Settings};
use super::world::{Desk, Visit, World};
use crate::net;

/// The simulated platform: one clock, one state.
pub(crate) struct Platform {
    /// The simulator's clock.
    pub(crate) clock: Clock,
    /// What pushes are posted with.
    pub(crate) client: reqwest::Client,
    settings: Mutex<Settings>,
    index: Index,
    world: Mutex<World>,
}

impl Platform {
    /// A platform with the apps of the settings.
    pub(crate) fn new(settings: Settings) -> io::Result<Self> {
        let seed = settings.seed.unwrap_or_else(rand::random);
        let world = Mutex::new(World::new(&settings, seed));
        // WeChat: five seconds for the connection. How long the whole may take is said with each push.
        let client =
            net::client(Duration::from_secs(5), Duration::from_secs(60)).map_err(io::Error::other)?;
        Ok(Self {
            clock: Clock::default(),
            client,
            settings: Mutex::new(settings),
            index: Index::new(),
            world,
        })
    }

    /// The state. It is held for microseconds and never across an await.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        // A panic under the lock is a bug of one endpoint; the others go on with what is there.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything back to the start, the clock included.
    pub(crate) fn reset(&self, seed: Option<u64>) {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let seed = seed.or(settings.seed).unwrap_or_else(rand::random);
        self.clock.reset();
        *self.world() = World::new(&settings, seed);
    }

    /// Gives an app of the settings a server, now and after every reset.
    pub(crate) fn push_to(&self, app_id: &str, server: ServerSettings) {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(app) = settings.apps.iter_mut().find(|app| app.app_id == app_id) {
            app.server = Some(server.clone());
        }
        if let Some(app) = self.world().apps.get_mut(app_id) {
            app.server = Some(push::server::Server::new(server));
        }
    }

    /// Counts a call and decides what the fault rules do to it.
    pub(crate) fn arrive(&self, call: &Call) -> Plan {
        let mut world = self.world();
        let app_id = world.app_of(call).map(|app| app.id.clone());
        world.calls.count(&call.path, app_id.as_deref());
        Plan::of(&mut world, call, app_id)
    }

    /// Serves a call as the plan has it, and logs it.
    pub(crate) fn serve(&self, call: &Call, plan: &Plan) -> Delivery {
        let now = self.clock.now();
        let mut world = self.world();
        let app = plan.app_id.as_deref().and_then(|id| world.apps.get(id));
        let style = app.map(|app| app.switches.style()).unwrap_or_default();
        let reply = plan
            .needs_answer()
            .then(|| self.answer(&mut world, call, style, now));
        let delivery = plan.deliver(reply, call, style, &mut world.random, now);
        world.calls.log(call, plan, &delivery, now);
        delivery
    }

    fn answer(&self, world: &mut World, call: &Call, style: Style, now: Moment) -> Reply {
        if let Some(page) = open::serve(world, call, now) {
            return page;
        }
        let Some(endpoint) = self.index.find(&call.path) else {
            return Reply::page(404, "404 Not Found");
        };
        let (answer, envelope) = match exchange::open(world, call, now) {
            Ok(None) => (answer(world, call, endpoint, now), None),
            Ok(Some((inner, envelope))) => (answer(world, &inner, endpoint, now), Some(envelope)),
            Err(refusal) => (Err(refusal), None),
        };
        let reply = Reply::write(answer, &call.path, style, &mut world.random, now);
        match envelope {
            Some(envelope) => envelope.seal(reply, &mut world.random, now),
            None => reply,
        }
    }
}

/// WeChat: token, permission, quota, method, then the body and its fields. Calls without a token have
/// only the method checked here.
fn answer(world: &mut World, call: &Call, endpoint: &'static Endpoint, now: Moment) -> Answer {
    match endpoint.server {
        Server::Open(serve) => {
            check_method(call, endpoint)?;
            serve(Visit {
                call,
                endpoint,
                now,
                world,
            })
        }
        Server::WithToken(kind, serve) => serve(&mut admitted(world, call, endpoint, kind, now)?),
        Server::AmongApps(kind, serve) => {
            let app_id = admitted(world, call, endpoint, Some(kind), now)?.app.id.clone();
            let visit = Visit {
                call,
                endpoint,
                now,
                world,
            };
            serve(visit, &app_id)
        }
    }
}

/// The desk of the app whose token the call carries, if the app may make it.
fn admitted<'a>(
    world: &'a mut World,
    call: &'a Call,
    endpoint: &'static Endpoint,
    kind: Option<AppKind>,
    now: Moment,
) -> Result<Desk<'a>, Refusal> {
    let token = call
        .param("access_token")
        .ok_or_else(|| Refusal::of(errcode::TOKEN_MISSING))?;
    let app_id = world.tokens.check(&token, now)?.to_owned();
    let desk = world.desk(&app_id, call, endpoint, now)?;
    let other_kind = kind.is_some_and(|kind| desk.app.kind != kind);
    if other_kind || (desk.app.kind == AppKind::Official && !desk.app.switches.verified) {
        return Err(Refusal::of(errcode::API_UNAUTHORIZED));
    }
    desk.app.charge(endpoint, now)?;
    check_method(call, endpoint)?;
    Ok(desk)
}

fn check_method(call: &Call, endpoint: &Endpoint) -> Result<(), Refusal> {
    let code = match endpoint.verb {
        Verb::Get if call.method != Method::GET => errcode::GET_REQUIRED,
        Verb::Post if call.method != Method::POST => errcode::POST_REQUIRED,
        Verb::Get | Verb::Post | Verb::Any => return Ok(()),
    };
    // WeChat: this family alone answers as if there were no such path.
    if endpoint.path.starts_with("/wxaapi/newtmpl/") {
        return Err(Refusal::of(errcode::NO_SUCH_METHOD));
    }
    Err(Refusal::of(code))
}
