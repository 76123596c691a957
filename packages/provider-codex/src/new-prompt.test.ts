import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { manifestSchema } from '@sallyport/core/provider';
import type { LoginMethod } from '@sallyport/core/provider';
import { createPlayer, insertPrompt, loadTranscript, offsetOf } from '@sallyport/testkit';
import { afterAll, describe, expect, it } from 'vitest';

/** Applies the recipe of docs/write-a-provider.md, as it is printed there, to the source of the login methods. */
const guide = readFileSync(new URL('../../../docs/write-a-provider.md', import.meta.url), 'utf8');
const source = readFileSync(new URL('logins.ts', import.meta.url), 'utf8');
const recipe = codeBlockAfter('## The CLI asks something new', 'diff').split('\n');
const question = codeBlockAfter('## The CLI asks something new', '');

const folder = mkdtempSync(join(tmpdir(), 'sallyport-recipe-'));
afterAll(() => rmSync(folder, { recursive: true }));

const recorded = loadTranscript(new URL('__fixtures__/transcripts/codex-0.169.0-login-80x24', import.meta.url));
const prompted = insertPrompt(
  recorded,
  offsetOf(recorded, 'Starting local login server'),
  `${question.replaceAll('\n', '\r\n')} `,
  'y',
);
const options = { browserCommand: true };

describe('a new prompt in a recorded login', () => {
  it('stalls the login', async () => {
    const outcome = await createPlayer(prompted, await browserLoginOf(source), options).whole([]);
    expect(outcome).toEqual({ urls: [], userCodes: [], asked: [], sent: [], result: 'waiting' });
  });

  it('is answered after the change that the guide prints, which is at most ten lines in one file', async () => {
    expect(recipe.filter((line) => /^[+-]/.test(line)).length).toBeLessThanOrEqual(10);
    const before = await createPlayer(recorded, await browserLoginOf(source), options).whole([]);
    const player = createPlayer(prompted, await browserLoginOf(patched()), options);
    for (const cuts of [[], [10], Array.from(prompted.bytes, (_, index) => index)]) {
      expect(await player.whole(cuts)).toEqual({ ...before, sent: ['y'] });
    }
  });

  it('does not disturb a login in which the prompt does not appear', async () => {
    const outcome = await createPlayer(recorded, await browserLoginOf(patched()), options).whole([]);
    expect(outcome).toMatchObject({ sent: [], result: 'finished' });
  });
});

function codeBlockAfter(heading: string, language: string): string {
  const section = guide.slice(guide.indexOf(heading));
  const block = new RegExp(`\\n\`\`\`${language}\\n(.*?)\\n\`\`\`\\n`, 's').exec(section)?.[1];
  if (!guide.includes(heading) || block === undefined) throw new Error(`The guide has no such block: ${heading}`);
  return block;
}

/** The source with the recipe applied; what the recipe expects to find must be there exactly once. */
function patched(): string {
  const side = (other: string): string =>
    recipe
      .filter((line) => !line.startsWith(other))
      .map((line) => line.slice(1))
      .join('\n');
  const found = side('+');
  expect(source.split(found)).toHaveLength(2);
  return source.replace(found, side('-'));
}

async function browserLoginOf(text: string): Promise<LoginMethod> {
  const file = join(folder, `logins-${text.length}.ts`);
  writeFileSync(file, text);
  const logins: { browserLogin: unknown } = await import(pathToFileURL(file).href);
  return manifestSchema.shape.logins.element.parse(logins.browserLogin);
}
