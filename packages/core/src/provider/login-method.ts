import { z } from 'zod';

import { problemOfSteps } from './rpc-step.ts';
import { rpcDriveSchema } from './rpc-drive.ts';
import { hostSchema, idSchema, isUnique, settingsSchema } from './bounded.ts';
import { matcherSchema } from './matcher.ts';
import { terminalDriveSchema } from './terminal-drive.ts';

const failureRuleSchema = z.strictObject({
  when: matcherSchema,
  /** One of the LOGIN_ codes of the error table. */
  code: z.enum(['LOGIN_DENIED', 'LOGIN_FAILED', 'LOGIN_PORT_TAKEN', 'LOGIN_CLI_CRASHED', 'LOGIN_CANCELLED']),
  /** One sentence for the user. */
  message: z.string().min(1).max(300),
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
  id: z.string().regex(/^[a-z][a-z0-9-]{1,31}$/),
  title: z.string().min(1).max(80),
  kind: loginKindSchema,
  /** What the user needs. Default: what its kind needs; a narrower list leaves out where it does not work. */
  needs: z.array(loginNeedSchema).min(1).optional(),
  /** Ids of the credential items it brings. Default: every one that is a file. */
  gives: z.array(idSchema).min(1).optional(),
  drive: z.discriminatedUnion('kind', [terminalDriveSchema, rpcDriveSchema]),
  /** Written before this method's CLI starts, in place of those of `cli.settings` with the same path. */
  settings: settingsSchema.optional(),
  /** Where the sign-in link may come from and what it must look like. */
  url: z
    .strictObject({
      /** `osc52`: what the CLI puts on the clipboard, a link or, with `userCode`, the code alone. */
      sources: z.array(z.enum(['browser-shim', 'osc8', 'osc52', 'text', 'rpc'])).max(5),
      /**
       * Where the user goes with a device's code if its CLI shows no link: announced once the code is there and no
       * source has a link. Default: a link has to come from the CLI.
       */
      page: z
        .url({ protocol: /^https$/ })
        .max(300)
        .optional(),
      /** Exact hosts; a wildcard would let any page of a shared domain pass as the sign-in page. */
      hosts: z.array(hostSchema.regex(/^[^*]/, 'must be an exact host, without a wildcard')).min(1).max(10),
      pathPrefixes: z.array(z.string().startsWith('/').max(200)).min(1).max(10),
      /** Query parameters that must be present and not empty. `name=value` pins the value. */
      require: z
        .array(
          z
            .string()
            .regex(/^[A-Za-z0-9_.-]+(=.*)?$/)
            .max(200),
        )
        .max(20)
        .default([]),
      /** Seen on the screen only after the whole link: a link in text counts once this is there too. */
      textAfter: matcherSchema.optional(),
    })
    .optional(),
  /** Device code: the code to type on the page, captured from the screen. */
  userCode: matcherSchema.optional(),
  /** The CLI's own loopback listener, tried in this order (RFC 8252 §7.3). Empty: taken from the link. */
  callback: z
    .strictObject({
      ports: z.array(z.number().int().min(1024).max(65535)).max(4),
      path: z.string().startsWith('/').max(100),
      /**
       * For a CLI that prints another link than it hands to its browser command: one whose `redirect_uri` is `uri`, a
       * page that shows a code. Where the browser command is not called, that link is used with the `redirect_uri` of
       * the listener that the CLI has opened, at `host` as the CLI itself writes it. Needs a source besides the
       * browser command. Default: a printed link is used as it is.
       */
      printed: z
        .strictObject({
          uri: z
            .string()
            .max(300)
            .regex(
              /^https:\/\/[A-Za-z0-9.-]+\/[A-Za-z0-9._~/-]*$/,
              'must be a plain https URL without query and fragment',
            ),
          host: z.enum(['localhost', '127.0.0.1']),
        })
        .optional(),
    })
    .optional(),
  /** The command destroys the credential it finds, so it runs in a home without one. */
  freshHome: z.boolean(),
  /** The CLI says it is done. The credential file decides, not this. */
  success: z.array(matcherSchema).min(1).max(10),
  failure: z.array(failureRuleSchema).max(20).default([]),
  timeoutMs: z
    .number()
    .int()
    .min(10_000)
    .max(30 * 60_000),
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
