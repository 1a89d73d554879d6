// The workers come first: the editor asks for them as soon as it is loaded.
import 'graphiql/setup-workers/vite';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import '@graphiql/plugin-explorer/style.css';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import 'graphiql/style.css';
import { createClient } from 'graphql-ws';
import { createRoot } from 'react-dom/client';

import { examples } from './examples.js';
import './page.css';

const endpoint = new URL('../graphql', window.location.href).href;

const fetcher = createGraphiQLFetcher({
  url: endpoint,
  // Connects when the first subscription starts, not before.
  wsClient: createClient({ url: endpoint.replace(/^http/, 'ws'), lazy: true }),
});

createRoot(document.getElementById('root')).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={[HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })]}
    defaultTabs={examples}
    defaultEditorToolsVisibility="variables"
    // Headers may hold keys: they end with the tab.
    shouldPersistHeaders={false}
  />,
);
