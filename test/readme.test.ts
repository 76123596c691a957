import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { root } from './server/sallyport-process.ts';
import { readmeCommands } from './setup/readme-commands.ts';

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

describe("the README's commands", () => {
  it('are an installation and one script each', () => {
    expect(readmeCommands).toEqual(['npm ci && npm start -- --demo', 'npm ci && npm test']);
    for (const script of ['start', 'test']) expect(scripts[script]).toMatch(/^node scripts\/require-node\.cjs && /);
  });

  it('are those that CI runs', () => {
    const lines = readFileSync(join(root, '.ci/run'), 'utf8').split('\n');
    expect(lines).toContain('npm ci');
    expect(lines.some((line) => /^npm test( |$)/.test(line))).toBe(true);
    expect(lines.some((line) => /^npm run e2e -- smoke( |$)/.test(line))).toBe(true);
  });
});
