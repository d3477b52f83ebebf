// Receives webhooks as a program in JavaScript would: verified with the official library of Standard Webhooks.
// Each line of standard input is {"secret": "whsec_…"}, whose deliveries are expected from then on; each line of
// standard output is {"port"} first, and then {"id", "event"} or {"error"} for each delivery.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

let webhook;
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    try {
      const event = webhook.verify(Buffer.concat(chunks), request.headers);
      say({ id: request.headers["webhook-id"], event });
      response.writeHead(204).end();
    } catch (error) {
      say({ error: String(error) });
      response.writeHead(400).end();
    }
  });
});
server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));

for await (const line of createInterface({ input: process.stdin })) {
  webhook = new Webhook(JSON.parse(line).secret);
  say({ ready: true });
}
process.exit(0);
