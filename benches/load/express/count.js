// How many documents a collection has: node count.js MONGODB_URL COLLECTION
const mongoose = require('mongoose');

async function main() {
  const [url, collection] = process.argv.slice(2);
  const { connection } = await mongoose.connect(url);
  console.log(await connection.db.collection(collection).countDocuments());
  await mongoose.disconnect();
}
main();
