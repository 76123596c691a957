import { describe, expect, it } from 'vitest';

import { findLink } from '@sallyport/core/engine';
import type { ScreenView } from '@sallyport/core/engine';
import type { LoginMethod, ProviderManifest } from '@sallyport/core/provider';
import { loadTranscript } from '@sallyport/testkit';

import { findValues } from '../packages/agent/src/login/login-capture.ts';
import { createScreen } from '../packages/agent/src/terminal/screen.ts';
import { manifest as claudeManifest } from '../packages/provider-claude/src/manifest.ts';
import { manifest as geminiManifest } from '../packages/provider-gemini/src/manifest.ts';

/** Some CLIs break a long line themselves. Whatever the width and the look, a value is taken whole or not at all. */

const widths = Array.from({ length: 132 - 60 + 1 }, (_, index) => 60 + index);
const token = `sk-ant-oat01-${'uY7_kQ3-zR9'.repeat(9)}`.slice(0, 105);

/** How the CLIs write the rows of a paragraph: Claude 2.1.197 pads them, Gemini indents them, others draw a box. */
const looks: Readonly<Record<string, (row: string, width: number) => string>> = {
  bare: (row) => row,
  padded: (row, width) => row.padEnd(width),
  indented: (row, width) => `  ${row.padEnd(width)}`,
  colored: (row) => `\u001b[38;5;246m${row}\u001b[39m\r`,
  boxed: (row, width) => `│ ${row.padEnd(width)} │`,
  barred: (row, width) => `▌ ${row.padEnd(width)} ▐`,
  quoted: (row) => `> ${row}`,
  starred: (row, width) => `* ${row.padEnd(width)} *`,
  listed: (row) => `• ${row}`,
  'marked at its end': (row, width) => `${row.padEnd(width)} ↩`,
};

const recorded = (provider: string, name: string): string => {
  const { bytes } = loadTranscript(
    new URL(`../packages/provider-${provider}/src/__fixtures__/transcripts/${name}`, import.meta.url),
  );
  const [link = ''] = /https:\/\/(?:claude\.com|claude\.ai|accounts\.google\.com)\/[^\s\u0007\u001b]+/.exec(
    Buffer.from(bytes).toString('latin1'),
  ) ?? [''];
  return link;
};

function method(manifest: ProviderManifest, id: string, drop?: 'callback'): LoginMethod {
  const found = manifest.logins.find((login) => login.id === id);
  if (!found) throw new Error(`No login method ${id}.`);
  // The port of a recorded link is another one each time; here only its end matters.
  return drop ? { ...found, callback: undefined } : found;
}

async function show(value: string, before: string, after: string, width: number, look: string): Promise<ScreenView> {
  const rows = `${before}${value}`.match(new RegExp(`.{1,${width}}`, 'g')) ?? [];
  const style = looks[look] ?? ((row: string) => row);
  const screen = createScreen({ columns: 2000, rows: rows.length + 2 });
  const text = [...rows.map((row) => style(row, width)), '', after].join('\r\n');
  await screen.write(new TextEncoder().encode(text));
  const view = screen.view();
  screen.dispose();
  return view;
}

const links = [
  {
    name: "Claude's long link",
    link: recorded('claude', 'claude-2.1.330-auth-login-fulllink-paste-2000x50'),
    login: method(claudeManifest, 'paste-code'),
    after: 'Paste code here if prompted >',
  },
  {
    name: "Claude's short link",
    link: recorded('claude', 'claude-2.1.330-auth-login-shortlink-paste-80x24'),
    login: method(claudeManifest, 'setup-token-paste'),
    after: 'Paste code here if prompted',
  },
  {
    name: "Gemini's link to paste a code",
    link: recorded('gemini', 'gemini-0.61.0-login-nobrowser-2000x50'),
    login: method(geminiManifest, 'paste-code'),
    after: 'Enter the authorization code:',
  },
  {
    name: "Gemini's callback link",
    link: recorded('gemini', 'gemini-0.61.0-login-browser-2000x50'),
    login: method(geminiManifest, 'browser', 'callback'),
    after: 'Waiting for authentication...',
  },
];

describe.each(Object.keys(looks))('a value that its CLI breaks, %s', (look) => {
  it.each(links)('is the whole link or none: $name', async ({ link, login, after }) => {
    expect(link).toMatch(/^https:\/\/.{70}/);
    for (const before of ['', 'visit: ']) {
      for (const width of [...widths, 2000]) {
        const found = findLink(login, await show(link, before, after, width, look));
        const isWhole = before.length + link.length <= width;
        // Rows that are full to one column show how the CLI wraps, and are joined; any other break is not guessed at.
        expect(isWhole ? [link] : [link, undefined], `${before}, ${width} columns`).toContain(found?.url.href);
      }
    }
  });

  it('is the whole token or none', async () => {
    const { credentials } = claudeManifest;
    for (const width of widths) {
      const view = await show(token, '', 'Store this token securely.', width, look);
      const { token: found } = findValues(credentials, view, new Map());
      expect(token.length <= width ? [token] : [token, undefined], `${width} columns`).toContain(found);
    }
  });
});

describe('a device code', () => {
  it('that its CLI breaks is the whole code or none', async () => {
    const base = method(claudeManifest, 'paste-code');
    const login: LoginMethod = {
      ...base,
      url: { sources: ['osc8'], hosts: ['claude.ai'], pathPrefixes: ['/device'], require: [] },
      userCode: { pattern: '\\b([A-Z0-9]{4}-[A-Z0-9]{4,6})\\b' },
    };
    for (let width = 15; width <= 40; width++) {
      const view = await show('ABCD-123456', 'Enter the code ', 'Waiting for you', width, 'bare');
      const code = findLink(login, { ...view, links: ['https://claude.ai/device'] })?.userCode;
      expect([undefined, 'ABCD-123456']).toContain(code);
      if (width >= 26) expect(code).toBe('ABCD-123456');
    }
  });
});

describe('a whole value', () => {
  it.each(['Paste code here if prompted >', 'Come back later.', '2. Enter this code', '- or press Enter', '…'])(
    'stays one above the row "%s"',
    async (after) => {
      const { link, login } = links[0] ?? { link: '', login: method(claudeManifest, 'paste-code') };
      const screen = createScreen({ columns: 2000, rows: 50 });
      await screen.write(new TextEncoder().encode(`${link}\r\n${after}\r\nPaste code here`));
      expect(findLink(login, screen.view())?.url.href).toBe(link);
    },
  );
});

describe('a value whose rows each end twice', () => {
  it.each([76, 80])('is not cut off at %i columns', async (width) => {
    const { link, login, after } = links[0] ?? { link: '', login: method(claudeManifest, 'paste-code'), after: '' };
    const spaced = (value: string): string => value.match(new RegExp(`.{1,${width}}`, 'g'))?.join('\r\n\r\n') ?? '';
    const screen = createScreen({ columns: 2000, rows: 50 });
    await screen.write(new TextEncoder().encode(`${spaced(link)}\r\n\r\n${after}`));
    expect(findLink(login, screen.view())).toBeUndefined();
    screen.dispose();
    const view = await show(token.slice(0, width), '', `\r\n${token.slice(width)}`, width, 'bare');
    expect(findValues(claudeManifest.credentials, view, new Map())).toEqual({});
  });

  it('is whole where a code stands below it', async () => {
    const { link, login } = links[0] ?? { link: '', login: method(claudeManifest, 'paste-code') };
    const screen = createScreen({ columns: 2000, rows: 50 });
    await screen.write(new TextEncoder().encode(`${link}\r\n\r\nABCD-EFGH12\r\n\r\nPaste code here`));
    expect(findLink(login, screen.view())?.url.href).toBe(link);
  });
});
