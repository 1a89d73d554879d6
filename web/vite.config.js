import { defineConfig } from 'vite';

import { compress } from './compress.js';

export default defineConfig({
  // The page is served below /playground/, wherever that is mounted: no address in it is absolute.
  base: './',
  plugins: [compress()],
  build: {
    target: 'es2022',
    // Nothing becomes a data: address that the page's content security policy would have to allow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      onwarn: (warning, warn) => {
        // Some packages carry a directive for React's compiler, which does not run here.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
    // Monaco, the editor, is one large chunk by nature.
    chunkSizeWarningLimit: 6000,
  },
  worker: { format: 'es' },
});
