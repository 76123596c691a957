/** Runs inside a guest. Takes one probe as JSON and answers with one line: what came of it. */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';

/** For what should stay silent. */
const WAIT_MS = 2_000;
const SILENCE = 'no answer';

const probes = {
  /** What the other side says first, after `say` where there is one. */
  tcp: ({ host, port, say, localAddress, waitMs }) =>
    firstOf(waitMs, (done) => {
      const socket = connect({ host, port, localAddress });
      if (say !== undefined) socket.write(say);
      socket.once('data', (data) => done(String(data)));
      socket.once('error', ({ code }) => done(code));
      socket.once('close', () => done('closed'));
      return () => socket.destroy();
    }),
  udp: ({ host, port, say, waitMs }) =>
    firstOf(waitMs, (done) => {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.once('message', (data) => done(data.toString('latin1')));
      socket.once('error', ({ code }) => done(code));
      socket.send(Buffer.from(say ?? '?', 'latin1'), port, host);
      return () => socket.close();
    }),
  run: ({ argv: [file, ...words] }) =>
    new Promise((resolve) => {
      const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
      execFile(file, words, { env: environment, timeout: 20_000 }, (error, stdout, stderr) => {
        const ended = error === null ? '' : ` (ended with ${error.code})`;
        resolve(`${stdout}${stderr}`.trim() + ended);
      });
    }),
};

function firstOf(waitMs = WAIT_MS, start) {
  return new Promise((resolve) => {
    let end = () => {};
    const done = (answer) => {
      clearTimeout(timer);
      end();
      resolve(answer.trim().split(/\r?\n/)[0]);
    };
    const timer = setTimeout(done, waitMs, SILENCE);
    end = start(done);
  });
}

async function respond(request, response) {
  const {
    kind,
    before = [],
    after = [],
    ...probe
  } = JSON.parse((await text(request)) || '{"kind":"run","argv":["true"]}');
  for (const argv of before) await probes.run({ argv });
  const answer = await probes[kind](probe);
  for (const argv of after) await probes.run({ argv });
  response.end(answer);
}

createServer((request, response) => void respond(request, response)).listen(8080);

/** Something else that a guest may run: it greets whoever reaches it. */
const GREETED_PORTS = [22, 5900, 9229];
for (const port of GREETED_PORTS) {
  createTcpServer((socket) => socket.on('error', () => {}).end('guest A')).listen(port);
}
