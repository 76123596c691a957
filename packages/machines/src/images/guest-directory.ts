import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const packageDirectory = dirname(createRequire(import.meta.url).resolve('@sallyport/machines/package.json'));

/** The files that go into golden images, kept as files. */
export const guestDirectory = join(packageDirectory, 'guest');
