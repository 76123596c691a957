import { z } from 'zod';

import { problemOfSteps } from './rpc-step.ts';
import { rpcDriveSchema } from './rpc-drive.ts';
import { hostSchema, idSchema, isUnique, settingsSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';
import { terminalDriveSchema } from './terminal-drive.ts';

const failureRuleSchema = z.strictObject({
  when: matcherSchema.describe('Looked for on the whole screen, or in each message of a JSON-RPC login.'),
  code: z
    .enum(['LOGIN_DENIED', 'LOGIN_FAILED', 'LOGIN_PORT_TAKEN', 'LOGIN_CLI_CRASHED', 'LOGIN_CANCELLED'])
    .describe('How the login ends. `docs/errors.md` says what each code means.'),
  message: z.string().min(1).max(300).describe('One sentence for the user.'),
});

/** The login machine's screen, a browser of one's own, a code to carry from one to the other, a key one has. */
const loginNeedSchema = z.enum(['desktop', 'own-browser', 'code', 'key']);
export type LoginNeed = z.infer<typeof loginNeedSchema>;

const loginKindSchema = z.enum(['loopback-callback', 'device-code', 'paste-code', 'api-key', 'import']);

/** What each kind of login can use. Of the first two one is enough. */
export const needsOfKind: Readonly<Record<z.infer<typeof loginKindSchema>, readonly LoginNeed[]>> = {
  'loopback-callback': ['desktop', 'own-browser'],
  'device-code': ['own-browser', 'code'],
  'paste-code': ['own-browser', 'code'],
  'api-key': ['key'],
  import: ['key'],
};

const loginMethodShape = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z][a-z0-9-]{1,31}$/)
    .describe('How the API and the command line name the method. Unique in the manifest.'),
  title: z.string().min(1).max(80).describe('What the page offers, such as `Sign in with a code`.'),
  kind: loginKindSchema.describe(
    'How the sign-in gets back to the CLI: `loopback-callback` by a redirect to a port on which the CLI listens (needs `url` and `callback`), `device-code` by a code that the user types on the page (needs `url` and `userCode`), `paste-code` by a code that the user copies from the page (needs a step that asks for it). `api-key` takes a key that the user has, by a step that asks. An `import` method never runs: the credential is sent to the API.',
  ),
  needs: z
    .array(loginNeedSchema)
    .min(1)
    .describe(
      'What the user needs: the `desktop` of the login machine, their `own-browser`, a `code` to carry from one to the other, a `key` that they have. Left out: `desktop` and `own-browser` for `loopback-callback`, of which one is enough; `own-browser` and `code` for `device-code` and `paste-code`; `key` for the others. A shorter list excludes what does not work with this CLI.',
    )
    .optional(),
  gives: z
    .array(idSchema)
    .min(1)
    .describe('Ids of the credential items that this method yields. Left out: every item that is a file.')
    .optional(),
  drive: z
    .discriminatedUnion('kind', [terminalDriveSchema, rpcDriveSchema])
    .describe('How the CLI is run for the login.'),
  settings: settingsSchema
    .describe(
      "Settings files to write before this method's CLI starts, in place of those of `cli.settings` with the same path.",
    )
    .optional(),
  url: z
    .strictObject({
      sources: z
        .array(z.enum(['browser-shim', 'osc8', 'osc52', 'text', 'rpc']))
        .max(5)
        .describe(
          'Where to look for the link, best first: `browser-shim` is what the CLI hands to its browser command, `osc8` a terminal hyperlink, `osc52` what the CLI copies to the clipboard (with `userCode`, the code may be there too), `text` the text on the screen, `rpc` a value of a message. `osc8`, `osc52` and `text` need a terminal drive, `rpc` a JSON-RPC drive.',
        ),
      page: z
        .url({ protocol: /^https$/ })
        .max(300)
        .describe(
          'Only for `device-code`: the https page for the code if the CLI shows no link. Used once the code is there and no source has a link. It must be on one of `hosts`.',
        )
        .optional(),
      hosts: z
        .array(hostSchema.regex(/^[^*]/, 'must be an exact host, without a wildcard'))
        .min(1)
        .max(10)
        .describe('Exact hosts of the sign-in page. A link to any other is refused.'),
      pathPrefixes: z
        .array(z.string().startsWith('/').max(200))
        .min(1)
        .max(10)
        .describe('The path of the link is one of these, or below one of these. `/` allows every path.'),
      require: z
        .array(
          z
            .string()
            .regex(/^[A-Za-z0-9_.-]+(=.*)?$/)
            .max(200),
        )
        .max(20)
        .describe('Query parameters that must be present and not empty. `name=value` also fixes the value.')
        .default([]),
      textAfter: matcherSchema
        .describe(
          'Text that the CLI prints after the link. A link from the source `text` counts once this follows it. Left out: once it has stayed the same for a second.',
        )
        .optional(),
    })
    .describe(
      'Where the sign-in link comes from and what it must look like. A link that does not fit is never shown to the user.',
    )
    .optional(),
  userCode: matcherSchema
    .describe(
      'For `device-code`: takes the code to type on the page from the screen or the messages. The link is shown once the code is there.',
    )
    .optional(),
  userCodeMinutes: z
    .int()
    .min(1)
    .max(60)
    .describe(
      'For `device-code`: how long the code can be typed once it is shown, as the CLI or the vendor says. The user is told when it ends.',
    )
    .optional(),
  callback: z
    .strictObject({
      ports: z
        .array(z.number().int().min(1024).max(65535))
        .max(4)
        .describe(
          'The ports on which the CLI listens, in the order in which it tries them. Empty: any port, taken from the link.',
        ),
      path: z.string().startsWith('/').max(100).describe('The path of its `redirect_uri`, such as `/callback`.'),
      printed: z
        .strictObject({
          uri: z
            .string()
            .max(300)
            .regex(
              /^https:\/\/[A-Za-z0-9.-]+\/[A-Za-z0-9._~/-]*$/,
              'must be a plain https URL without query and fragment',
            )
            .describe('The `redirect_uri` of the link that the CLI prints: a page that shows a code.'),
          host: z
            .enum(['localhost', '127.0.0.1'])
            .describe('How the CLI writes the host of its listener in the link that it opens.'),
        })
        .describe(
          'For a CLI that does not print the link that it opens but another one. If its browser command is not called, the printed link is used with the address of its listener in place of `uri`. Needs a source besides `browser-shim`. Left out: a printed link is used as it is.',
        )
        .optional(),
    })
    .describe(
      'The loopback address on which the CLI waits for the redirect (RFC 8252, section 7.3). A link with any other `redirect_uri` is refused.',
    )
    .optional(),
  freshHome: z
    .boolean()
    .describe(
      'True if the login command destroys the credential that it finds. If a secret file is there, the command then runs in an empty home.',
    ),
  success: z
    .array(matcherSchema)
    .min(1)
    .max(10)
    .describe(
      'Any of these on the screen, or in a message, means that the CLI is done, as exit code 0 does. The login completes only if the credential is then complete.',
    ),
  failure: z
    .array(failureRuleSchema)
    .max(20)
    .describe(
      'How the CLI says that the login failed. The first rule that fits counts: once it has stood on the screen for a second, when the CLI exits with another code than 0, or at once in a message.',
    )
    .default([]),
  timeoutMs: z
    .number()
    .int()
    .min(10_000)
    .max(30 * 60_000)
    .describe(
      "Milliseconds that the login may take. After 80 % of them, if it is the user's turn, the user is asked whether they are still there, and gets half as long again if they are.",
    ),
});

/** What a kind of login cannot do without. */
export const loginMethodSchema = loginMethodShape.check(({ value, issues }) => {
  const need = (path: string, present: boolean, message: string): void => {
    if (!present) issues.push({ code: 'custom', input: value, path: [path], message });
  };
  const { kind, drive } = value;
  if (kind === 'loopback-callback') {
    need('url', value.url !== undefined, 'is needed by a loopback-callback login');
    need('callback', value.callback !== undefined, 'is needed by a loopback-callback login');
  }
  if (kind === 'device-code') {
    need('url', value.url !== undefined, 'is needed by a device-code login');
    need('userCode', value.userCode !== undefined, 'is needed by a device-code login');
  }
  need(
    'userCodeMinutes',
    value.userCodeMinutes === undefined || value.userCode !== undefined,
    'is the time of a code, which only a method with `userCode` has',
  );
  const page = value.url?.page;
  need('url', page !== undefined || value.url?.sources.length !== 0, 'has no source of a link, and no page either');
  need('url', page === undefined || kind === 'device-code', 'has a page, which only a device-code login uses');
  const host = page === undefined ? undefined : URL.parse(page)?.host;
  need(
    'url',
    host === undefined || value.url?.hosts.includes(host) === true,
    'has a page that is on none of its hosts',
  );
  const beyond = value.needs?.filter((item) => !needsOfKind[kind].includes(item)) ?? [];
  need('needs', beyond.length === 0, `names what a ${kind} login does not use: ${beyond.join(', ')}`);
  const asks = drive.steps.some((step) => step.do.kind === 'ask');
  need('drive', kind !== 'paste-code' || asks, 'needs a step that asks for the code');
  const problem = drive.kind === 'json-rpc' ? problemOfSteps(drive.steps, ['answer']) : repeatedStep(drive.steps);
  need('drive', problem === undefined, problem ?? '');
  // A terminal has no messages, and a conversation no screen.
  const strange = drive.kind === 'json-rpc' ? ['osc8', 'osc52', 'text'] : ['rpc'];
  need(
    'url',
    !value.url?.sources.some((source) => strange.includes(source)),
    `has a source that a ${drive.kind} drive has not`,
  );
});

export type LoginMethod = z.infer<typeof loginMethodSchema>;

function repeatedStep(steps: readonly { readonly id: string }[]): string | undefined {
  return isUnique(steps.map((step) => step.id)) ? undefined : 'has two steps with the same id';
}
