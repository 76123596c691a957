import { expect, it } from 'vitest';

import { createKeyQueue } from './key-queue.ts';

it('types what a US keyboard has, pastes the rest, and keeps the order', async () => {
  const sent: string[] = [];
  const keys = createKeyQueue(() => ({
    sendKey: (keysym, _code, down) =>
      void sent.push(`${keysym.toString(16)}${down === undefined ? '' : down ? '+' : '-'}`),
    clipboardPasteFrom: (text) => void sent.push(text),
  }));
  keys.type('a\né日b');
  keys.press(0xff08);
  await expect.poll(() => sent).toEqual(['61', 'ff0d', 'é日', 'ffe3+', '76', 'ffe3-', '62', 'ff08']);
});

it('drops keys while there is no connection', async () => {
  const keys = createKeyQueue(() => undefined);
  expect(() => keys.type('a')).not.toThrow();
});
