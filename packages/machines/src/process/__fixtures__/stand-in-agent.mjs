// Stands in for the agent: reads its boot configuration, answers /health, runs the commands a test sends, and
// ends with its standard input as the real one does.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => {
  const boot = JSON.parse(line);
  if (boot.desktop?.width === 666) {
    console.error(`refusing to start with ${boot.token}`);
    process.exit(3);
  }
  console.log(`epoch ${boot.epoch}`);
  const server = createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${boot.token}`) {
      response.statusCode = 401;
      response.end();
    } else if (request.url === '/health') {
      response.end(JSON.stringify({ status: 'ok', timestamp: new Date().toISOString(), activeSessions: 0 }));
    } else if (request.url === '/boot') {
      response.end(JSON.stringify({ ...boot, token: '[token]', environment: process.env }));
    } else {
      run(request, response, boot);
    }
  });
  server.listen(boot.listen.socket);
});
lines.once('close', () => process.exit(0));

function run(request, response, boot) {
  let script = '';
  request.on('data', (chunk) => (script += chunk));
  request.on('end', () => {
    const child = spawn('/bin/sh', ['-c', script], { env: { ...process.env, EGRESS: boot.egress.socket } });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => response.end(JSON.stringify({ code, output })));
  });
}
