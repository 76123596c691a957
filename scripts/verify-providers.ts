import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { steps, verifyProvider } from '@sallyport/server';
import type { ReleaseReport, StepReport } from '@sallyport/server';

/**
 * `npm run docs:providers`: verifies releases of each provider's CLI and writes docs/providers.md. It fetches some
 * gigabytes and takes half an hour, so it is run when a release has come out, and not by `npm run docs`.
 */
const providers: Readonly<Record<string, readonly string[]>> = {
  // Others than the newest: releases that once failed here.
  claude_code: ['2.1.266'],
  codex: ['0.128.0'],
  gemini_cli: [],
};
const choice = { latest: 5, oldestWithinDays: 90 };
const root = fileURLToPath(new URL('../', import.meta.url));

const words = { ok: 'ok', none: '–', 'not-reached': 'not reached', failed: '**failed**' } as const;

/** What `test/cli-words.test.ts` shows. */
const refusals = `## A refusal and a failure

\`LOGIN_DENIED\` is the user's own "no" on the sign-in page: \`access_denied\` or \`consent_required\`. Every other error is \`LOGIN_FAILED\`. If the page's answer comes through Sallyport, the error in that answer decides, whatever the CLI says. If a browser reaches the CLI directly, and in every flow without a callback, Sallyport has only the words of the CLI, and some of them stand for several errors:

- Claude Code says \`No authorization code received\` for every error of the page, which counts as a refusal. For an error of the token endpoint, it says only the HTTP status.
- Codex shows the error of the page by its name. If the page sends an \`error_description\`, Codex shows that instead, and it counts as a refusal. For a device code that was denied, has expired or was asked about too often, Codex says \`status 400 Bad Request\`, which counts as a refusal; other statuses are failures.
- Gemini CLI shows the error of the page by its name, so the two are always told apart. An error of the token endpoint is always a failure.`;

function section(reports: readonly ReleaseReport[]): string {
  const [newest] = reports;
  if (!newest) return '';
  const head = ['Version', 'Method', ...steps.map((step) => step[0]?.toUpperCase() + step.slice(1))];
  const rows = reports.flatMap((report) =>
    report.methods.length === 0
      ? [[report.version, '(installation)', ...steps.map(() => word(report.install))]]
      : report.methods.map((done) => [
          report.version,
          `\`${done.method}\``,
          ...steps.map((step) => word(done.steps[step])),
        ]),
  );
  const installations = reports.flatMap(({ version, install }) =>
    install.outcome === 'failed' ? [`- ${version}, installation: ${install.code}. ${install.message}`] : [],
  );
  const failures = reports.flatMap(({ version, methods }) =>
    methods.flatMap(({ method, steps: done }) =>
      steps.flatMap((step) => {
        const report = done[step];
        return report.outcome === 'failed'
          ? [`- ${version}, \`${method}\`, ${step}: ${report.code}. ${report.message}`]
          : [];
      }),
    ),
  );
  const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
  return [
    `## ${newest.title} (\`${newest.package}\`)`,
    table,
    ...(installations.length + failures.length > 0 ? [[...installations, ...failures].join('\n')] : []),
  ].join('\n\n');
}

function word({ outcome }: StepReport): string {
  return words[outcome];
}

const clisDirectory = await mkdtemp(join(tmpdir(), 'sallyport-clis-'));
try {
  const sections: string[] = [];
  for (const [provider, also] of Object.entries(providers)) {
    const reports = await verifyProvider({
      configFile: join(root, 'e2e/configs/fake-vendors.config.ts'),
      provider,
      releases: { ...choice, also },
      clisDirectory,
      signal: new AbortController().signal,
      onProgress: (message) => console.error(message),
    });
    sections.push(section(reports));
  }
  const day = new Date().toISOString().slice(0, 10);
  await writeFile(
    join(root, 'docs/providers.md'),
    [
      '# Providers and the releases of their CLIs',
      '<!-- Printed by `npm run docs:providers`. Run it again instead of editing this page. -->',
      `Covered are the newest five releases of each CLI on npm as of ${day}, the oldest of the 90 days before, and any that once failed here. On ${process.platform}-${process.arch}, \`sallyport providers verify ID --latest 5 --oldest-within-days 90\` took each of them, unmodified, through every login method, in real machines, against the fake vendors of the test kit. No real vendor was asked, so this shows what the CLIs do, not what the services behind them do.`,
      "Login: the credential is captured and stored. Prompt: it works in a machine that has never seen it. Refresh: an expired token is refreshed and written back, and so is one that the CLI's refresh command refreshes; a key or a long-lived token has no refresh (–). Logout: the CLI forgets the credential, and so does Sallyport.",
      refusals,
      ...sections,
      '',
    ]
      .join('\n\n')
      .trimEnd() + '\n',
  );
  console.log('wrote docs/providers.md');
} finally {
  await rm(clisDirectory, { recursive: true, force: true });
}
