import type { FakeCliScript } from './script.ts';

/**
 * The fake CLI itself. `writeFakeCli` writes the text of this function to a file, so it uses
 * nothing from outside it, and gets Node's modules without `import`, which bundlers and test runners rewrite.
 */
export async function fakeCliProgram(script: FakeCliScript): Promise<void> {
  const fs = process.getBuiltinModule('node:fs');
  const http = process.getBuiltinModule('node:http');
  const path = process.getBuiltinModule('node:path');
  const { spawn, execFileSync } = process.getBuiltinModule('node:child_process');
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  const { createInterface } = process.getBuiltinModule('node:readline');
  const { setTimeout: sleep } = process.getBuiltinModule('node:timers/promises');

  const directory = path.join(process.env['HOME'] ?? '', '.fake');
  const authFile = path.join(directory, 'auth.json');
  const [command = '', ...flags] = process.argv.slice(2);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const emit = (event: Record<string, unknown>): void => say(JSON.stringify(event));

  function writeCredential(token: string): void {
    const kind = script.credential ?? 'complete';
    const whole = JSON.stringify({ token, account: 'person@fake.test', issuedAt: Date.now() });
    const contents = {
      complete: whole,
      blank: JSON.stringify({ token: '', account: '', issuedAt: 0 }),
      'half-written': whole.slice(0, Math.floor(whole.length / 2)),
      oversized: JSON.stringify({ token, account: 'person@fake.test', padding: 'x'.repeat(1024 * 1024) }),
    };
    fs.mkdirSync(directory, { recursive: true });
    if (kind === 'absent') return;
    if (kind === 'symlink') fs.symlinkSync('/etc/passwd', authFile);
    else if (kind === 'fifo') execFileSync('/usr/bin/mkfifo', [authFile]);
    else {
      fs.writeFileSync(`${authFile}.part`, contents[kind], { mode: 0o600 });
      fs.renameSync(`${authFile}.part`, authFile);
    }
  }

  function authorizeUrl(redirectUri: string, state: string): string {
    const query = new URLSearchParams({ response_type: 'code', redirect_uri: redirectUri, state });
    return `https://login.fake.test/authorize?${query.toString()}`;
  }

  async function login(): Promise<number> {
    fs.rmSync(authFile, { force: true });
    const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const ask = async (text: string): Promise<string> => {
      process.stdout.write(text);
      const { value } = await lines.next();
      return String(value).trim();
    };
    for (const { text, expect } of script.questions ?? []) {
      if ((await ask(text)) === expect) continue;
      say('Error: that is not an answer.');
      return 1;
    }
    if (script.crash === 'before-link') process.kill(process.pid, 'SIGKILL');
    const state = randomBytes(16).toString('base64url');
    if (flags.includes('--paste')) {
      say(`Open this link to sign in:\n${authorizeUrl('https://login.fake.test/code', state)}\n`);
      writeCredential(await ask('Paste the code: '));
      say('\nLogged in.');
      return 0;
    }
    return browserLogin(state);
  }

  function browserLogin(state: string): Promise<number> {
    return new Promise((resolve) => {
      const finish = (response: import('node:http').ServerResponse, line: string, exitCode: number): void => {
        response.end(line, () => {
          say(line);
          resolve(exitCode);
        });
      };
      const server = http.createServer((request, response) => {
        const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
        if (pathname !== '/callback') response.writeHead(404).end('Not found.');
        else if (searchParams.get('state') !== state) response.writeHead(400).end('State mismatch.');
        else if (searchParams.has('error')) finish(response, `Sign-in failed: ${searchParams.get('error')}`, 1);
        else {
          if (script.crash === 'at-callback') process.kill(process.pid, 'SIGKILL');
          writeCredential(searchParams.get('code') ?? '');
          finish(response, 'Logged in.', 0);
        }
      });
      server.on('error', (error) => {
        say(`Error: the callback port cannot be used (${error.message}).`);
        resolve(1);
      });
      server.listen(script.port ?? 0, '127.0.0.1', () => {
        const address = server.address();
        const port = address !== null && typeof address === 'object' ? address.port : 0;
        const url = authorizeUrl(`http://127.0.0.1:${port}/callback`, state);
        say(`Open this link to sign in:\n${url}\nWaiting for the browser.`);
        const browser = process.env['BROWSER'];
        if (browser) spawn(browser, [url], { stdio: 'ignore' }).on('error', () => undefined);
      });
    });
  }

  async function exec(): Promise<number> {
    let prompt = '';
    for await (const chunk of process.stdin.setEncoding('utf8')) prompt += String(chunk);
    const auth: { token?: string } = fs.existsSync(authFile) ? JSON.parse(fs.readFileSync(authFile, 'utf8')) : {};
    if (!(process.env['FAKE_API_KEY'] ?? auth.token)) {
      emit({ type: 'error', message: 'not logged in' });
      return 1;
    }
    const resumed = flags.indexOf('--resume');
    emit({ type: 'started', session: resumed < 0 ? randomBytes(6).toString('hex') : flags[resumed + 1] });
    const [verb = '', argument = ''] = prompt.trim().split(' ');
    switch (verb) {
      case 'fail':
        emit({ type: 'error', message: 'told to fail' });
        return Number(argument) || 1;
      case 'sleep':
        await sleep(Number(argument));
        break;
      case 'rotate':
        writeCredential(`rotated-${randomBytes(12).toString('hex')}`);
        break;
      case 'big':
        for (let kibibytes = Number(argument); kibibytes > 0; kibibytes -= 1) {
          emit({ type: 'text', text: 'x'.repeat(1000) });
        }
        break;
      case 'write':
        fs.writeFileSync(argument, prompt);
        break;
      case 'read':
        emit({ type: 'text', text: fs.readFileSync(argument, 'utf8') });
        break;
    }
    emit({ type: 'text', text: `You said: ${prompt}` });
    emit({ type: 'done' });
    return 0;
  }

  switch (command) {
    case 'login':
      process.exitCode = await login();
      break;
    case 'exec':
      process.exitCode = await exec();
      break;
    case 'status':
      process.exitCode = fs.existsSync(authFile) ? 0 : 1;
      break;
    case 'logout':
      fs.rmSync(authFile, { force: true });
      break;
    default:
      say('fake-cli 1.0.0');
  }
  // Whatever still listens must not keep a CLI alive that has said how it went.
  process.stdout.write('', () => process.exit());
}
