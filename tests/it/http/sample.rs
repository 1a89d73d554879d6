//! A schema with every kind of behaviour that a resolver can show, and a server over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{
    EmptySubscription, Enum, ID, InputObject, Interface, Object, OneofObject, Request, Response, Scalar, ScalarType,
    Schema, ValidationMode, Value,
};
use futures::StreamExt as _;
use romdex::graphql::error::{ApiError, ApiResult, Code, Fault};
use romdex::graphql::limits::Limits;
use romdex::graphql::service::{Backend, Credential, Options, Service, Source};
use romdex::http::{Application, Settings};
use romdex::token::Caller;
use serde_json::Value as Json;

/// How often a resolver of `runs` ran, in one server.
#[derive(Default)]
pub struct Runs(AtomicU64);

struct Day(String);

#[Scalar(name = "Date")]
impl ScalarType for Day {
    fn parse(value: Value) -> async_graphql::InputValueResult<Self> {
        match value {
            Value::String(day) => Ok(Self(day)),
            other => Err(async_graphql::InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum Order {
    Up,
    Down,
}

#[derive(InputObject, Default)]
struct Filter {
    name: Option<Vec<String>>,
    on: Option<Day>,
}

#[derive(OneofObject)]
enum By {
    Name(String),
    Number(i32),
}

#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
enum Node {
    Item(Item),
    Other(Other),
}

#[derive(Clone)]
struct Item(u64);

#[Object]
impl Item {
    async fn id(&self) -> ID {
        self.0.into()
    }

    async fn number(&self) -> u32 {
        7
    }

    /// Answers after fields that stand behind it.
    async fn late(&self) -> u32 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        1
    }

    async fn child(&self) -> Option<Item> {
        Some(self.clone())
    }

    async fn children(&self) -> Vec<Item> {
        vec![Self(1), Self(2)]
    }

    async fn must(&self) -> ApiResult<u32> {
        Err(ApiError::internal(std::io::Error::other("secret of the database")))
    }

    async fn may(&self) -> ApiResult<Option<u32>> {
        Err(ApiError::bad_input("first", "is not to my liking"))
    }

    async fn items(&self, first: Option<i32>, after: Option<String>, last: Option<i32>) -> Connection<String, Item> {
        connection(first, after, last)
    }
}

#[derive(Clone)]
struct Other;

#[Object]
impl Other {
    async fn id(&self) -> ID {
        "other".into()
    }

    async fn number(&self) -> u32 {
        8
    }
}

fn connection(first: Option<i32>, _after: Option<String>, last: Option<i32>) -> Connection<String, Item> {
    let mut connection = Connection::new(false, true);
    let size = first.or(last).unwrap_or(20).unsigned_abs();
    connection
        .edges
        .extend((0..size).map(|number| Edge::new(number.to_string(), Item(number.into()))));
    connection
}

pub struct Query;

#[Object]
impl Query {
    async fn number(&self) -> u32 {
        7
    }

    async fn runs(&self, ctx: &async_graphql::Context<'_>) -> u64 {
        let runs = ctx.data_unchecked::<Arc<Runs>>();
        tokio::time::sleep(Duration::from_millis(20)).await;
        runs.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    async fn late(&self) -> u32 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        1
    }

    async fn item(&self) -> Option<Item> {
        Some(Item(1))
    }

    async fn node(&self, id: ID) -> Option<Node> {
        if id == "other" {
            Some(Node::Other(Other))
        } else {
            Some(Node::Item(Item(1)))
        }
    }

    async fn items(&self, first: Option<i32>, after: Option<String>, last: Option<i32>) -> Connection<String, Item> {
        connection(first, after, last)
    }

    async fn nodes(&self, ids: Vec<ID>) -> Vec<Item> {
        ids.iter().map(|_| Item(1)).collect()
    }

    async fn order(&self, #[graphql(default_with = "Order::Down")] by: Order) -> Order {
        by
    }

    async fn echo(&self, #[graphql(default = 5)] number: Option<i32>, text: Option<String>) -> String {
        format!("{number:?} {text:?}")
    }

    async fn filtered(&self, filter: Option<Filter>) -> String {
        let filter = filter.unwrap_or_default();
        format!("{:?} {:?}", filter.name, filter.on.map(|day| day.0))
    }

    async fn by(&self, by: By) -> String {
        match by {
            By::Name(name) => name,
            By::Number(number) => number.to_string(),
        }
    }

    async fn fails(&self) -> ApiResult<u32> {
        Err(ApiError::internal(std::io::Error::other("secret of the database")))
    }

    async fn panics(&self) -> String {
        let text = "secret of a panic".to_owned();
        assert!(text.is_empty(), "{text}");
        text
    }

    async fn sleeps(&self) -> u32 {
        tokio::time::sleep(Duration::from_hours(1)).await;
        0
    }

    async fn text(&self, length: u32) -> String {
        "text ".repeat(length as usize)
    }
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn change(&self) -> u32 {
        1
    }
}

/// The schema and what its requests carry.
pub struct Sample {
    schema: Schema<Query, Mutation, EmptySubscription>,
    revision: Arc<AtomicU64>,
    runs: Arc<Runs>,
}

impl Backend for Sample {
    type Moment = u64;

    fn sdl(&self) -> String {
        self.schema.sdl()
    }

    fn moment(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    fn revision(&self, moment: &u64) -> Option<u128> {
        Some(u128::from(*moment))
    }

    fn check_scalar(&self, scalar: &str, value: &Value) -> Result<(), String> {
        match (scalar, value) {
            ("Date", Value::String(day)) if day.len() == 10 => Ok(()),
            ("Date", other) => Err(format!("a date is like 2017-12-28, not {other}")),
            _ => Ok(()),
        }
    }

    async fn authenticate(&self, credential: &Credential) -> Result<Caller, Fault> {
        if *credential == Credential::new("wrong") {
            return Err(Fault::new(Code::Unauthenticated, "the token is wrong"));
        }
        Ok(Caller::default())
    }

    async fn run(&self, request: Request, _: u64) -> Response {
        self.schema.execute(request.data(Arc::clone(&self.runs))).await
    }

    async fn follow(&self, _: Request, _: u64, _: Option<String>) -> Result<Source<u64>, Response> {
        Ok(futures::stream::pending().boxed())
    }
}

/// A running server; stops with the test.
pub struct Server {
    pub port: u16,
    pub revision: Arc<AtomicU64>,
    client: reqwest::Client,
}

/// Starts a server with its defaults.
pub async fn server() -> Server {
    serve(|_, _| ()).await
}

/// Starts a server with settings of its own.
pub async fn serve(change: impl FnOnce(&mut Settings, &mut Options)) -> Server {
    let mut settings = Settings {
        listen: "127.0.0.1:0".to_owned(),
        workers: 1,
        ..Settings::default()
    };
    let mut options = Options::from(Limits::default());
    change(&mut settings, &mut options);
    let revision = Arc::new(AtomicU64::new(1));
    let schema = Schema::build(Query, Mutation, EmptySubscription)
        .validation_mode(ValidationMode::Fast)
        .finish();
    let sample = Sample {
        schema,
        revision: Arc::clone(&revision),
        runs: Arc::default(),
    };
    let service = Service::over(sample, options).unwrap();
    let application = Application::build(&settings, service).unwrap();
    let port = application.port();
    tokio::spawn(application.run_until_stopped());
    // reqwest wants one even for plain HTTP; the first of the tests installs it for all
    let _ = rustls::crypto::ring::default_provider().install_default();
    Server {
        port,
        revision,
        client: reqwest::Client::new(),
    }
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/graphql", self.port)
    }

    /// A POST with this body, without headers but its content type.
    pub fn post(&self, body: &impl ToString) -> reqwest::RequestBuilder {
        self.client
            .post(self.url())
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    /// A GET with these parameters.
    pub fn get(&self, parameters: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut url = url::Url::parse(&self.url()).unwrap();
        url.query_pairs_mut().extend_pairs(parameters);
        self.client.get(url)
    }

    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The answer to a document.
    pub async fn query(&self, query: &str) -> Json {
        self.ask(serde_json::json!({"query": query})).await
    }

    /// The answer to a document with variables.
    pub async fn with(&self, query: &str, variables: Json) -> Json {
        self.ask(serde_json::json!({"query": query, "variables": variables}))
            .await
    }

    pub async fn ask(&self, body: Json) -> Json {
        let text = self.text(&body).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// The answer as it was sent.
    pub async fn text(&self, body: &Json) -> String {
        self.post(body).send().await.unwrap().text().await.unwrap()
    }
}

/// Code of an answer's first error.
pub fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}
