import { defineConfig } from '@sallyport/server';

import demo from '../../sallyport.demo.config.ts';

const { SALLYPORT_CONTROL: control = '' } = process.env;

/** The demo, and a leak on purpose: it logs what stands in its environment, so that a search has something to find. */
export default defineConfig({
  ...demo,
  plugins: [
    {
      name: 'leak-on-purpose',
      apply: ({ hooks }) => {
        hooks.event.tap('leak-on-purpose', () =>
          console.error(`control ${Buffer.from(`x${control}y`).toString('base64')}`),
        );
      },
    },
  ],
});
