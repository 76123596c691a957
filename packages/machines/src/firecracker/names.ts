import { SallyportError } from '@sallyport/core';

/** unix(7): `sun_path` has 108 bytes, the last of which is a zero. */
const MAX_SOCKET_PATH = 107;
/** `IFNAMSIZ` is 16 with the zero. */
const MAX_TAP_NAME = 15;

/** Checked before anything is started: the jailer and Firecracker would only fail later, and less clearly. */
export function checkSocketPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length > MAX_SOCKET_PATH) {
    throw new SallyportError(
      'CONFIG_INVALID',
      `The socket ${path} has a path of ${length} bytes; Linux allows ${MAX_SOCKET_PATH}.`,
      { hint: 'Choose a shorter directory for the jails of machines.' },
    );
  }
}

/** `--id` of jailer and Firecracker. */
export function checkInstanceId(id: string): void {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(id)) {
    throw new SallyportError('MACHINE_FAILED', `"${id}" cannot be the id of a Firecracker machine.`, {
      hint: 'It may have 1 to 64 letters, digits and hyphens.',
    });
  }
}

/** Drives and interfaces: underscores, but no hyphens. */
export function checkResourceId(id: string): void {
  if (!/^[A-Za-z0-9_]+$/.test(id)) {
    throw new SallyportError('MACHINE_FAILED', `"${id}" cannot be the id of a device in Firecracker.`, {
      hint: 'It may have letters, digits and underscores.',
    });
  }
}

export function checkTapName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name) || name.length > MAX_TAP_NAME) {
    throw new SallyportError('MACHINE_FAILED', `"${name}" cannot be the name of a network device.`, {
      hint: `It may have ${MAX_TAP_NAME} letters, digits, hyphens, dots and underscores.`,
    });
  }
}
