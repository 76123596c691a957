import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ProjectSettings, ToolPolicy } from '@sallyport/core';
import type { BootConfig } from '@sallyport/core/protocol';
import type { Provider } from '@sallyport/core/provider';
import { provider as gemini } from '@sallyport/provider-gemini';
import { createFakeGoogle } from '@sallyport/testkit/vendors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { cliEnvironment } from '../../packages/agent/src/cli/cli-environment.ts';
import { createCliWorld } from '../support/cli-world.ts';
import type { Answered } from '../support/cli-world.ts';
import { createHostileWork } from '../support/hostile-work.ts';
import type { HostileWork } from '../support/hostile-work.ts';
import { recordLookups } from '../support/looked-up.ts';
import { changeManifest, claudeInWork, codexInWork, geminiInWork } from '../support/work-defences.ts';
import type { WorkDefence } from '../support/work-defences.ts';

/**
 * `~/work` is written by all CLIs of a machine, and by repositories that were cloned there. What they leave must not run
 * with the next CLI's home, or have its credential sent elsewhere, whatever the tool policy.
 */

interface Case extends WorkDefence {
  /** What acts without the protection. */
  readonly acts: readonly string[];
  /** What the CLI looks for in its working directory, and why it does no harm; with `/`, also what is below it. */
  readonly looksFor: Readonly<Record<string, string>>;
}

/** What a prompt may do. */
interface Allowed {
  readonly tools: ToolPolicy;
  readonly projectSettings?: ProjectSettings;
}

const bubblewrap = '/usr/bin/bwrap';

/** What git looks for. The hooks and programs that are named there are up to `cliEnvironment`. */
const git = {
  '.git/': 'git',
  HEAD: 'git',
  '.gitignore': 'patterns',
  '.gitattributes': 'git',
  '.mailmap': 'names of authors',
};
const forTheModel = 'text for the model';

const cases: readonly (readonly [string, Case])[] = [
  [
    'Claude Code',
    {
      ...claudeInWork,
      acts: ['claude-helper', 'claude-local', 'claude-mcp', 'claude-prompt', 'claude-session', 'credential-claude-env'],
      looksFor: {
        ...git,
        '.claude/': 'hidden',
        'AGENTS.md': forTheModel,
        // Files of connectors that have been downloaded.
        'connector-downloads': 'data',
      },
    },
  ],
  [
    'Codex',
    {
      ...codexInWork,
      acts: ['codex-mcp'],
      looksFor: {
        ...git,
        '.codex/': 'without trust it is not used',
        '.agents/': forTheModel,
        'AGENTS.md': forTheModel,
        'AGENTS.override.md': forTheModel,
      },
    },
  ],
  [
    'Gemini CLI',
    {
      ...geminiInWork,
      acts: ['credential-gemini-own-env', 'gemini-agent', 'gemini-discovery', 'gemini-mcp', 'gemini-session'],
      looksFor: {
        ...git,
        '.gemini/': 'hidden',
        '.env': 'told to ignore it',
        '.geminiignore': 'patterns',
        '.agents/': forTheModel,
        'GEMINI.md': forTheModel,
      },
    },
  ],
];

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sp-work-'));
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

describe.each(cases)('%s', (_name, { provider, create, unprotected, acts, looksFor }) => {
  async function ask(
    asked: Provider,
    { tools, projectSettings, ...boot }: Partial<BootConfig> & Allowed,
    directories: readonly string[] = ['~/work', '~/work/repo', '~/work/partial'],
  ): Promise<readonly Answered[]> {
    const vendor = create({ wordDelayMs: 0 });
    await using world = await createCliWorld({
      provider: asked,
      vendors: { vendor },
      boot: { home, bubblewrap, ...boot },
    });
    const values = { api_key: vendor.state().apiKey };
    const answers: Answered[] = [];
    for (const workingDirectory of directories) {
      const options = { tools, values, workingDirectory, env: { IS_SANDBOX: '1' } };
      answers.push(await world.prompt('hi', { ...options, ...(projectSettings && { projectSettings }) }));
    }
    return answers;
  }

  it.each(['read-only', 'full'] as const)(
    'runs nothing that its work directory names, with tools %s',
    async (tools) => {
      await using work = await plant();
      const answers = await ask(provider, { tools });
      expect(answers.map(({ end }) => end)).toEqual(answers.map(() => ({ type: 'prompt-end', outcome: 'completed' })));
      expect(await work.marks()).toEqual([]);
    },
  );

  it('would run it without that protection', async () => {
    await using work = await plant();
    await ask(unprotected(join(home, 'work')), { tools: 'read-only' });
    expect(await work.marks()).toEqual(acts);
  });

  it('runs it for a prompt that may use the settings of a project, if it can be told so, and not for the next one', async () => {
    await using work = await plant();
    await ask(provider, { tools: 'read-only', projectSettings: 'use' });
    // A server refuses the prompt where the manifest does not say how.
    expect(await work.marks()).toEqual(provider.manifest.prompt.projectSettings ? acts : []);
    await work.clearMarks();
    await ask(provider, { tools: 'read-only' });
    expect(await work.marks()).toEqual([]);
  });

  it('looks for nothing else there', async () => {
    const work = join(home, 'work');
    await mkdir(work);
    execFileSync('git', ['init', '--quiet', work], { env: { PATH: process.env['PATH'], HOME: home } });
    const lookups = await recordLookups(home);
    await ask(provider, { tools: 'read-only', bubblewrap: lookups.bubblewrap }, ['~/work']);
    const known = Object.keys(looksFor);
    const isKnown = (path: string): boolean =>
      known.some((each) => (each.endsWith('/') ? `${path}/`.startsWith(each) : path === each));
    const found = await lookups.below(work);
    expect(found).toContain('.git');
    expect(found.filter((path) => !isKnown(path))).toEqual([]);
  });
});

describe('Gemini CLI', () => {
  it('would send its key where the .env of the directory says, were it not told to ignore that', async () => {
    await using work = await plant();
    const believing = changeManifest(gemini, (text) =>
      text.replaceAll('\\"ignoreLocalEnv\\": true', '\\"ignoreLocalEnv\\": false'),
    );
    const vendor = createFakeGoogle({ wordDelayMs: 0 });
    await using world = await createCliWorld({ provider: believing, vendors: { vendor }, boot: { home, bubblewrap } });
    await world.prompt('hi', { values: { api_key: vendor.state().apiKey } });
    expect(await work.marks()).toEqual(['credential-env']);
  });
});

describe('git, as a CLI starts it', () => {
  const programs = { PATH: process.env['PATH'] ?? '' };
  const settled = (): Readonly<Record<string, string>> => ({
    ...cliEnvironment({ runtime: home, proxyPort: undefined, trust: undefined }, home),
    ...programs,
  });
  const runGit = (where: string, env: Readonly<Record<string, string>>, ...argv: readonly string[]) =>
    spawnSync('git', argv, { cwd: join(home, where), env });

  it('runs no file system monitor, hook or signature check of the repository', async () => {
    await using work = await plant();
    const look = (env: Readonly<Record<string, string>>): void =>
      [
        ['status', '--porcelain'],
        ['log', '--oneline'],
      ].forEach((argv) => runGit('work', env, ...argv));
    look(settled());
    // Known by its name alone, which the repository chooses, a filter cannot be turned off.
    expect(await work.marks()).toEqual(['git-filter']);
    look({ HOME: home, ...programs });
    expect(await work.marks()).toEqual(['git-filter', 'git-fsmonitor', 'git-gpg', 'git-hook']);
  });

  it('would fetch what is missing in a repository, were it not for the wrapper', async () => {
    await using work = await plant();
    runGit('work/partial', settled(), 'status', '--porcelain');
    expect(await work.marks()).toEqual(['git-filter', 'git-ssh']);
  });
});

describe('what a CLI must not see', () => {
  it('may be a file, and is found above its directory, too; other files are as they were', async () => {
    const work = join(home, 'work');
    const hides = { ...gemini.manifest.cli, hiddenInWork: [{ name: '.gemini', kind: 'file' as const }] };
    const changed = { ...gemini, manifest: { ...gemini.manifest, cli: hides } };
    await mkdir(join(work, 'repo/.gemini'), { recursive: true });
    await writeFile(join(work, 'repo/.gemini/.env'), 'GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:1\n');
    const vendor = createFakeGoogle({ wordDelayMs: 0 });
    await using world = await createCliWorld({ provider: changed, vendors: { vendor }, boot: { home, bubblewrap } });
    const answered = await world.prompt('[[write note.txt: it works]]', {
      tools: 'full',
      workingDirectory: '~/work/repo',
      values: { api_key: vendor.state().apiKey },
    });
    expect(answered.answer).toBe('I have written note.txt.');
    expect(await readdir(join(work, 'repo'))).toEqual(['.gemini', 'note.txt']);
    expect(await readdir(work)).toEqual(['.gemini', 'repo']);
  });
});

function plant(): Promise<HostileWork> {
  return createHostileWork([join(home, 'work'), join(home, 'work/repo')], [join(home, 'work/partial')]);
}
