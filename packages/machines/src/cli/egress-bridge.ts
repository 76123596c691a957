/**
 * Runs npm with a proxy on a loopback port that leads to a Unix socket, which npm cannot use itself. It is sent as text to
 * the Node in npm's sandbox, so it uses nothing from outside. Arguments: the socket, the program, the program's arguments.
 */
function bridgeToEgress(): void {
  const { connect, createServer } = process.getBuiltinModule('node:net');
  const { spawn } = process.getBuiltinModule('node:child_process');
  const [path = '', file = '', ...args] = process.argv.slice(1);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const egress = connect({ path, allowHalfOpen: true });
    client.pipe(egress).pipe(client);
    const end = (): void => {
      client.destroy();
      egress.destroy();
    };
    for (const socket of [client, egress]) socket.on('error', end);
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const proxy = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    // Words of the command line win over every file and variable. Without an entry, npm asks the variables for exemptions.
    const settings = [`--proxy=${proxy}`, `--https-proxy=${proxy}`, '--noproxy=none.invalid'];
    const npm = spawn(file, [...args, ...settings], { stdio: 'inherit' });
    npm.once('error', (error) => {
      console.error(error.message);
      process.exit(127);
    });
    npm.once('exit', (code) => process.exit(code ?? 1));
  });
}

/** The words for Node that run a program behind the bridge, followed by the program and its arguments. */
export function bridgeArguments(socketPath: string): readonly string[] {
  return ['--eval', `(${bridgeToEgress.toString()})()`, '--', socketPath];
}
