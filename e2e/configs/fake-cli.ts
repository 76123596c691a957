import { createFakeProvider } from '@sallyport/testkit';

/** A fake CLI, which does with its credential file what a test wants. */
export const provider = createFakeProvider();
