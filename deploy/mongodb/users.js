// Run once by MongoDB's image on an empty data folder: makes Prassi's own user,
// who may read and write one database and nothing else.
const { readFileSync } = require('fs');

db.getSiblingDB('prassi').createUser({
  user: 'prassi',
  pwd: readFileSync(process.env.MONGO_PRASSI_PASSWORD_FILE, 'utf8').trim(),
  roles: [{ role: 'readWrite', db: 'prassi' }],
});
