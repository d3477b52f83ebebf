use crate::support::app::Builder;
crate::support::on_both_stores!(smoke);
async fn smoke(app: Builder) {
    let mut app = app.spawn().await;
    let code = app.code("ann").await;
    let r = app.log_in(&code).await.ok();
    println!("{r:?}");
    let page = "/jsapi?url=https%3A%2F%2Fexample.com%2F";
    println!("{:?}", app.get(page).await);
    app.restart().await;
    println!("{:?}", app.get(page).await);
}
