import { createFakeProvider } from '@sallyport/testkit';

/** A made-up CLI, which does with its credential file what a test wants. */
export const provider = createFakeProvider();
