// Makes a mongod that has just been started the only member of a replica set: node replica.js HOST:PORT
const mongoose = require('mongoose');

async function main() {
  const [host] = process.argv.slice(2);
  const { connection } = await mongoose.connect(`mongodb://${host}/admin?directConnection=true`);
  const ask = (command) => connection.db.admin().command(command);
  await ask({ replSetInitiate: { _id: 'rs', members: [{ _id: 0, host }] } });
  while (!(await ask({ hello: 1 })).isWritablePrimary) await new Promise((done) => setTimeout(done, 50));
  await mongoose.disconnect();
}
main();
