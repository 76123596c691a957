import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The files that go into golden images, kept as files. This one is in `src/` or `dist/`, both below the package. */
export const guestFolder = join(dirname(fileURLToPath(import.meta.url)), '..', 'guest');
