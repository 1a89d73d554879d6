// What the audits share.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

// What the audits write: ignored by git, made anew each time.
export const built = join(root, 'audits', 'build');

// Says how an audit went, and ends it.
export function finish(well, failures) {
  for (const failure of failures) console.error(failure);
  if (failures.length === 0) console.log(well);
  process.exit(failures.length === 0 ? 0 : 1);
}
