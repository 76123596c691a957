import { SallyportError } from '@sallyport/core';

import type { UpstreamProxy } from './upstream-proxy.ts';

type Where = Pick<UpstreamProxy, 'host' | 'port' | 'protocol'>;

/** An upstream proxy that does not let anybody out. Without the cause's words: some libraries quote what they sent. */
export function refused({ host, port }: Where, what: string, { hint = HINT, cause }: Why = {}): SallyportError {
  return new SallyportError('EGRESS_FAILED', `The upstream proxy ${host}:${port} ${what}.`, { hint, cause });
}

interface Why {
  readonly hint?: string;
  readonly cause?: unknown;
}

const HINT = 'Ask the operator of the proxy, or set another one: `egress` in the configuration.';

export function wrongLogin(proxy: Where, cause?: unknown): SallyportError {
  const hint = 'Correct `username` and `password` of `egress` in the configuration.';
  return refused(proxy, 'does not accept the user and password', { hint, cause });
}

/** By the code of an error of Node, or the message of the library for SOCKS. */
export function describeTrouble(proxy: Where, cause: unknown): SallyportError {
  const code = codeOf(cause);
  if (/authentication/i.test(messageOf(cause))) return wrongLogin(proxy, cause);
  if (/CERT|VERIFY|SIGNATURE|SELF_SIGNED/.test(code)) {
    const hint =
      'Set `host` of `egress` to the name in the certificate, and `certificateAuthority` to the authority that has signed it.';
    return refused(proxy, `has a certificate that is not trusted (${code})`, { hint, cause });
  }
  if (proxy.protocol === 'https' && /SSL|EPROTO/.test(code)) {
    const hint = 'Set `protocol` of `egress` to `http`, where the proxy speaks no TLS.';
    return refused(proxy, `does not speak TLS (${code})`, { hint, cause });
  }
  if (proxy.protocol === 'socks5' && code === '') return refused(proxy, 'refused the connection', { cause });
  const hint = 'Check that it is up, and `host` and `port` of `egress` in the configuration.';
  return refused(proxy, `could not be reached${code && ` (${code})`}`, { hint, cause });
}

function codeOf(cause: unknown): string {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : '';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : '';
}
