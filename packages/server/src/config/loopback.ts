/** Said where the server would listen elsewhere. */
export const loopbackOnly =
  'must be a loopback address such as 127.0.0.1: there is no sign-in yet, so anyone who reached the server could use every account';
