import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { manifest as claude } from '@sallyport/provider-claude';
import { manifest as codex } from '@sallyport/provider-codex';
import { manifest as gemini } from '@sallyport/provider-gemini';
import { describe, expect, it } from 'vitest';

import { cliCache } from '../support/cache.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { repository } from '../support/server.ts';

const config = 'e2e/configs/fake-vendors.config.ts';

/** The command that tells whether a release works, on the releases that it has to say yes to. */
describe('sallyport providers verify', () => {
  it.each([claude, codex, gemini])('finds that the pinned $title works', async ({ id, cli }) => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['packages/server/dist/main.js', 'providers', 'verify', id, '--config', config, '--directory', cliCache],
      { cwd: repository, timeout: HANG_LIMIT_MS },
    );
    expect(stdout).toContain(`(${cli.package}) against a fake vendor`);
    expect(stdout).toMatch(new RegExp(`^${cli.version.replaceAll('.', '\\.')} +browser +ok +ok +ok +ok$`, 'm'));
  });
});
