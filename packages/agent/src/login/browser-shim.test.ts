import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { until } from '../../../../test/setup/until.ts';
import { installBrowserShim } from './browser-shim.ts';

describe('the browser command', () => {
  it('hands over every link, exactly, also when many come at once, and drops what is too long', async () => {
    const folder = await mkdtemp(join(tmpdir(), "it's a shim-"));
    const shim = await installBrowserShim(folder);
    const seen: string[] = [];
    shim.listen((url) => seen.push(url));
    const links = Array.from({ length: 20 }, (_, index) => `https://a.example/?n=${index}&x=%20$(id)\`"'\\n`);
    const run = (link: string) => promisify(execFile)(join(folder, 'bin', 'xdg-open'), [link], { env: {} });
    await Promise.all([...links, `https://a.example/${'a'.repeat(20_000)}`].map(run));
    await until('every link', () => seen.length >= links.length);
    expect(seen.toSorted()).toEqual(links.toSorted());
    shim.close();
    await rm(folder, { recursive: true });
  });
});
