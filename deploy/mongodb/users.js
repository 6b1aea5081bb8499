// Run once by MongoDB's image on an empty data folder: makes Prassi's own user,
// who may read and write one database and nothing else.
db.getSiblingDB('prassi').createUser({
  user: 'prassi',
  pwd: process.env.MONGO_PRASSI_PASSWORD,
  roles: [{ role: 'readWrite', db: 'prassi' }],
});
