import { createImageStore } from '@sallyport/machines';

import { buildOf } from './images.ts';

/** `run-image-build.ts DIRECTORY`: builds the image of a CLI machine as the current user, and prints where it is. */
const [directory = ''] = process.argv.slice(2);
const image = await createImageStore({ directory }).ensure(await buildOf('cli'), {
  signal: new AbortController().signal,
  now: new Date(),
  onProgress: (message) => console.error(message),
});
console.log(image.directory);
