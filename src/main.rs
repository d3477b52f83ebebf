//! temporary
use wxgate::{app::App, config::Config, service::settings::Purpose, telemetry};
#[tokio::main(worker_threads = 2)]
async fn main() {
    let config = Config::load(std::env::args().nth(1).as_deref().map(std::path::Path::new))
        .map_err(|e| {
            for p in &e.0 {
                eprintln!("{p}")
            }
            e
        })
        .unwrap();
    telemetry::init(&config.log, telemetry::Output::Stdout);
    let app = App::bind(config, Purpose::Production).await.unwrap();
    app.run_until(async { tokio::signal::ctrl_c().await.unwrap() })
        .await
        .unwrap();
}
