// What Node programs do all day, each line of output one thing.
const { Worker, isMainThread, parentPort } = require('worker_threads');
const { execFileSync, exec } = require('child_process');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');

async function talk(server, ...where) {
  await new Promise((ready) => server.listen(...where, ready));
  const address = server.address();
  const client = typeof address === 'string' ? net.connect(address) : net.connect(address.port, address.address);
  let heard = '';
  for await (const part of client) heard += part;
  server.close();
  return heard;
}

async function main() {
  const worker = () => new Promise((done, failed) => new Worker(__filename).on('message', done).on('error', failed));
  await Promise.all([worker(), worker(), worker(), worker()]);
  console.log('workers');

  await new Promise((done) => setTimeout(done, 1));
  console.log('timer');

  process.stdout.write(execFileSync('echo', ['said']));
  await new Promise((done, failed) => exec('echo piped | cat', (error, output) => {
    process.stdout.write(output);
    error ? failed(error) : done();
  }));

  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'everything'));
  console.log(await talk(net.createServer((c) => c.end('heard by tcp')), 0, '127.0.0.1'));
  console.log(await talk(net.createServer((c) => c.end('heard by unix')), path.join(directory, 'socket')));

  await fs.promises.writeFile(path.join(directory, 'file'), 'kept');
  await fs.promises.copyFile(path.join(directory, 'file'), path.join(directory, 'copy'));
  await fs.promises.rename(path.join(directory, 'copy'), path.join(directory, 'renamed'));
  console.log(await fs.promises.readFile(path.join(directory, 'renamed'), 'utf8'));

  const signalled = new Promise((done) => process.once('SIGUSR2', done));
  const meanwhile = setInterval(() => {}, 1000); // waiting for a signal alone does not keep Node from ending
  process.kill(process.pid, 'SIGUSR2');
  console.log(await signalled);
  clearInterval(meanwhile);
}

if (isMainThread) main();
else parentPort.postMessage('done');
