import { SallyportError } from '@sallyport/core';

import { cleanText } from './fault-text.ts';
import type { FirecrackerRequest } from './request.ts';

/** Stable beginnings of messages, and what to do about them. The rest of a message changes between versions. */
const hints: readonly (readonly [prefix: RegExp, hint: string])[] = [
  [
    /^Invalid request method|^An error occurred when deserializing/,
    'This Firecracker is of another version. Install v1.16.',
  ],
  [/^Boot source error/, 'Build the kernel image, and check that the jail can read it: sallyport images build kernel.'],
  [/^Drive config error/, "Check that the machine's disks lie in its jail and belong to its user."],
  [/^Network config error/, 'The TAP device is missing or in use. Look for a machine that was left running.'],
  [/^Machine config error/, 'Choose another memory size or number of processors for machines.'],
  [/^Load snapshot error/, 'The snapshot cannot be used; the machine boots from its disk instead.'],
  [/^Start microvm error/, "Look at the last lines of the machine's log, and at /dev/kvm: sallyport doctor."],
  [/not supported (before|after) starting/, 'The machine is in another state than this server thinks. Destroy it.'],
  [/^Too many open connections/, "Something else is connected to the machine's API socket. Find and stop it."],
];

/** An answer that is not a success. */
export function toApiError(request: FirecrackerRequest, status: number, body: string): SallyportError {
  const fault = cleanText(readFault(body));
  const hint = hints.find(([prefix]) => prefix.test(fault))?.[1];
  return new SallyportError('MACHINE_FAILED', `Firecracker refused ${nameOf(request)}: ${status} ${fault}`, {
    ...(hint !== undefined && { hint }),
    details: { method: request.method, path: request.path, status, fault },
  });
}

/** Firecracker itself answered, so that is what happened. */
export function isRefusal(error: unknown): boolean {
  return SallyportError.isInstance(error) && 'fault' in error.details;
}

/** No answer, or none that makes sense. Nobody knows whether the request was carried out. */
export function toBrokenError(request: FirecrackerRequest, cause: unknown): SallyportError {
  const why = cause instanceof Error ? cleanText(cause.message) : 'no answer';
  return new SallyportError('MACHINE_FAILED', `Firecracker did not answer ${nameOf(request)}: ${why}`, {
    hint: 'The process has probably ended. Start the machine again; its last lines are in the log.',
    details: { method: request.method, path: request.path },
    cause,
  });
}

export function toTimeoutError(request: FirecrackerRequest, timeoutMs: number): SallyportError {
  return new SallyportError(
    'MACHINE_TIMED_OUT',
    `Firecracker did not answer ${nameOf(request)} within ${timeoutMs} ms.`,
    {
      hint: 'Start the machine again. If it happens often, the disk of this host is too slow for so many machines.',
      details: { method: request.method, path: request.path, timeoutMs },
    },
  );
}

/** Never the body: metadata of the machine is in some of them. */
const nameOf = ({ method, path }: FirecrackerRequest): string => `${method} ${path}`;

/** The server in front of the API says `error`, the API itself `fault_message`. */
function readFault(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) {
      const value = 'fault_message' in parsed ? parsed.fault_message : 'error' in parsed ? parsed.error : undefined;
      if (typeof value === 'string') {
        return value;
      }
    }
  } catch {
    // micro-http puts a line break into its JSON string: the text is still the best there is.
  }
  return body === '' ? 'without a word' : body;
}
