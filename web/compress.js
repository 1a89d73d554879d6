import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** Writes what a browser may ask for beside each file that gets smaller by it, so that the server need not. */
export function compress() {
  return {
    name: 'compress',
    apply: 'build',
    async writeBundle({ dir }) {
      const files = await readdir(dir, { recursive: true });
      for (const name of files.filter((name) => /\.(html|js|css|svg|ttf)$/.test(name))) {
        const path = join(dir, name);
        const plain = await readFile(path);
        const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } };
        for (const [ending, packed] of [
          ['br', brotliCompressSync(plain, options)],
          ['gz', gzipSync(plain, { level: 9 })],
        ]) {
          if (packed.length < plain.length * 0.9) await writeFile(`${path}.${ending}`, packed);
        }
      }
    },
  };
}
