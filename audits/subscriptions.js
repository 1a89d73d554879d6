// Subscriptions, by the clients from npm that people use.
import { ApolloClient, CombinedGraphQLErrors, InMemoryCache, gql } from '@apollo/client/core/index.js';
import { HttpLink } from '@apollo/client/link/http';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient as createSse } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { DOCUMENT, INVALID, listening } from './listening.js';
import { finish } from './project.js';
import { serve } from './serve.js';

// Browsers have it, and Node.js from 22 on.
globalThis.WebSocket ??= WebSocket;

const shortly = () => pause(50);
const webSocket = (url) => url.replace(/^http/, 'ws');
const codes = (errors) => errors.map(({ extensions }) => extensions?.code);

// graphql-ws and graphql-sse connect again by themselves, with the same variables: one that is read each time is as good
// as new.
function byItself(create) {
  return ({ url, after, tell, complain }) => {
    const client = create(url);
    const variables = {
      get after() {
        return after();
      },
    };
    const stop = client.subscribe(
      { query: DOCUMENT, variables },
      { next: ({ data, errors }) => (errors ? complain(errors) : tell(data.changes)), error: complain, complete() {} },
    );
    return {
      refused: () =>
        new Promise((resolve, reject) => {
          let said = [];
          client.subscribe(
            { query: INVALID },
            {
              next: ({ errors }) => (said = codes(errors)),
              error: (errors) => (Array.isArray(errors) ? resolve(codes(errors)) : reject(errors)),
              complete: () => resolve(said),
            },
          );
        }),
      async end() {
        stop();
        await client.dispose();
      },
    };
  };
}

// Others are told to subscribe anew when a connection breaks. `subscribe(document, variables, next, broken)` gives what ends
// it; `next` gets data and the errors of GraphQL.
function again(create) {
  return ({ url, after, tell, complain }) => {
    const { subscribe, dispose } = create(url);
    let isEnded = false;
    let stop;
    const begin = () => {
      if (isEnded) return;
      const broken = once(() => shortly().then(begin));
      stop = subscribe(DOCUMENT, { after: after() }, (data, errors) => (errors ? complain(errors) : tell(data.changes)), broken);
    };
    begin();
    return {
      refused: () =>
        new Promise((resolve, reject) => {
          subscribe(INVALID, {}, (_, errors) => resolve(codes(errors)), reject);
        }),
      async end() {
        isEnded = true;
        stop();
        await dispose();
      },
    };
  };
}

function once(act) {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

function apollo(link, dispose = () => {}) {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  return {
    subscribe(document, variables, next, broken) {
      const following = client.subscribe({ query: gql(document), variables, fetchPolicy: 'no-cache' }).subscribe({
        next({ data, error }) {
          if (CombinedGraphQLErrors.is(error)) next(undefined, error.errors);
          else if (error) broken(error);
          else next(data);
        },
        error: broken,
        complete: broken,
      });
      return () => following.unsubscribe();
    },
    dispose() {
      client.stop();
      return dispose();
    },
  };
}

function urql(options, dispose = () => {}) {
  const client = new UrqlClient(options);
  return {
    subscribe(document, variables, next, broken) {
      const following = client.subscription(document, variables).subscribe(({ data, error }) => {
        if (error?.networkError) broken(error);
        else if (error) next(undefined, error.graphQLErrors);
        else next(data);
      });
      return () => following.unsubscribe();
    },
    dispose,
  };
}

// graphql-ws for another client, which is told when a connection breaks.
const socket = (url) => createSocket({ url: webSocket(url), retryAttempts: 0 });

const clients = [
  {
    name: 'graphql-ws',
    isSocket: true,
    listen: byItself((url) =>
      createSocket({
        url: webSocket(url),
        retryAttempts: Infinity,
        retryWait: shortly,
        shouldRetry: () => true,
      }),
    ),
  },
  { name: 'graphql-sse', listen: byItself((url) => createSse({ url, retryAttempts: Infinity, retry: shortly })) },
  {
    name: 'Apollo Client over graphql-ws',
    isSocket: true,
    listen: again((url) => {
      const client = socket(url);
      return apollo(new GraphQLWsLink(client), () => client.dispose());
    }),
  },
  { name: 'Apollo Client over HTTP', listen: again((url) => apollo(new HttpLink({ uri: url }))) },
  {
    name: 'urql over graphql-ws',
    isSocket: true,
    listen: again((url) => {
      const client = socket(url);
      const forwardSubscription = ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: client.subscribe({ query, variables }, sink) }),
      });
      return urql({ url, exchanges: [subscriptionExchange({ forwardSubscription })] }, () => client.dispose());
    }),
  },
  {
    name: 'urql over HTTP',
    listen: again((url) => urql({ url, exchanges: [fetchExchange], fetchSubscriptions: true })),
  },
];

const failures = [];
const server = await serve({ ROMDEX__DATABASE__POLL_INTERVAL_MS: '50' });
let count;
try {
  count = await listening(server, clients, failures);
} finally {
  await server.stop();
}
finish(`subscriptions: ${clients.length} clients, broken off twice, hear each of ${count} changes once and in order`, failures);
