import { refusedCalls } from '../../host/seccomp.ts';

export const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

/** Makes each system call with harmless arguments. Prints its name and `ok` or the error number. */
export function attempt(calls: Readonly<Record<string, readonly (number | string)[]>>): string {
  const lines = Object.entries(calls).map(
    ([name, words]) =>
      `{ my ($n, @a) = (${words.join(', ')}); print "${name} ", (syscall($n, @a) == -1 ? $! + 0 : "ok"), "\\n"; }`,
  );
  return `perl -e '${lines.join(' ')}'`;
}

const GET_KEYRING_ID = 0;
const SESSION_KEYRING = -3;
const ZEROS = '"\\0" x 128';
const USER_MODE_ONLY = 1;
const LOG_SIZE = 10;

/** Arguments with which each call would succeed, or fail with something else than ENOSYS, if it were let through. */
const harmless: Readonly<Record<string, readonly (number | string)[]>> = {
  add_key: ['"user"', '"sallyport-test"', '"x"', 1, SESSION_KEYRING],
  request_key: ['"user"', '"sallyport-test"', 0, SESSION_KEYRING],
  keyctl: [GET_KEYRING_ID, SESSION_KEYRING, 0],
  io_uring_setup: [1, ZEROS],
  io_uring_enter: [-1, 0, 0, 0, 0],
  io_uring_register: [-1, 0, 0, 0],
  bpf: [0, ZEROS, 128],
  perf_event_open: [ZEROS, 0, -1, -1, 0],
  syslog: [LOG_SIZE, 0, 0],
  userfaultfd: [USER_MODE_ONLY],
};

/** The refused system calls, ready for {@link attempt}. */
export const refusedAttempts: Readonly<Record<string, readonly (number | string)[]>> = Object.fromEntries(
  Object.entries(refusedCalls).map(([name, numbers]) => [name, [numbers[architecture], ...(harmless[name] ?? [])]]),
);

export const socketCall = architecture === 'x64' ? 41 : 198;

/** Arguments of keyctl that ask for the session keyring. */
export const sessionKeyring = [refusedCalls['keyctl']?.[architecture] ?? 0, GET_KEYRING_ID, SESSION_KEYRING, 0];
