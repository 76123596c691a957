import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { loadSallyportConnect } from './element.ts';

const baseUrl = 'https://connect.example.com';

/** Scripts that were put into the page, each still to be loaded. */
let scripts: (EventTarget & { readonly src?: string; readonly type?: string; remove(): void })[];
let removed: number;
let isDefined: boolean;

beforeEach(() => {
  scripts = [];
  removed = 0;
  isDefined = false;
  vi.stubGlobal('customElements', { get: () => (isDefined ? EventTarget : undefined) });
  vi.stubGlobal('document', {
    createElement: () => Object.assign(new EventTarget(), { remove: () => (removed += 1) }),
    head: { append: (script: (typeof scripts)[number]) => scripts.push(script) },
  });
});
afterEach(() => vi.unstubAllGlobals());

it('loads the versioned script of the server, once', async () => {
  const loads = [loadSallyportConnect({ baseUrl }), loadSallyportConnect({ baseUrl })];
  expect(scripts).toMatchObject([{ type: 'module', src: `${baseUrl}/connect-element/v1.js` }]);
  scripts[0]?.dispatchEvent(new Event('load'));
  expect(await Promise.all(loads)).toEqual([true, true]);
  isDefined = true;
  expect(await loadSallyportConnect({ baseUrl })).toBe(true);
  expect(scripts).toHaveLength(1);
});

it('says what could not be loaded and what to check, and tries again when asked', async () => {
  const failed = loadSallyportConnect({ baseUrl });
  scripts[0]?.dispatchEvent(new Event('error'));
  await expect(failed).rejects.toThrow(`${baseUrl}/connect-element/v1.js could not be loaded. Check`);
  expect(removed).toBe(1);
  const again = loadSallyportConnect({ baseUrl });
  scripts[1]?.dispatchEvent(new Event('load'));
  expect(await again).toBe(true);
});

it('does nothing where there is no page', async () => {
  vi.stubGlobal('document', undefined);
  expect(await loadSallyportConnect({ baseUrl })).toBe(false);
});
