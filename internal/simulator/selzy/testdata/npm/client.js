// Calls the simulator with the npm package "unisender", unchanged but for its base URL, and prints one line of JSON
// for each call: what the client resolved or rejected with. Usage: node client.js BASE_URL
'use strict';

require('unisender/src/config/defaults').url = process.argv[2];
const UniSender = require('unisender');

const newKey = /^[a-z0-9]{52}$/;

function print(name, outcome, answer) {
  const text = JSON.stringify({ name, outcome, answer }, (key, value) =>
    key === 'api_key' && newKey.test(value) ? 'NEW' : value);
  console.log(text);
}

async function call(name, client, method, options) {
  try {
    const answer = await client[method](options);
    print(name, 'resolved', answer);
    return answer;
  } catch (answer) {
    print(name, 'rejected', answer instanceof Error ? String(answer) : answer);
    return {};
  }
}

async function main() {
  const ordinary = new UniSender({ api_key: 'ordinarykey' });
  const reseller = new UniSender({ api_key: 'resellerkey' });

  await call('own account', ordinary, 'getUserInfo');
  await call('login ignored', ordinary, 'getUserInfo', { login: 'lumi_cafe' });
  await call('reseller only', ordinary, 'getUsers');
  await call('wrong key', new UniSender({ api_key: 'nobodyskey', lang: 'ru' }), 'getUserInfo');
  await call('api off', new UniSender({ api_key: 'offkey' }), 'getUserInfo');
  await call('user of the reseller', reseller, 'getUserInfo', { login: 'lumi_cafe' });
  await call('users by date', reseller, 'getUsers', { registered_after: '2024-01-01 00:00' });
  await call('login free', reseller, 'checkUserExists', { login: 'new_shop', email: 'owner@acme.example' });
  const registered = await call('registered', reseller, 'register', {
    email: 'new@shop.example',
    login: 'new_shop',
    extra: { firstname: 'Zoë & Co', channel: 'npm' },
    timezone: 'Mars/Olympus',
    country_code: 'DEU',
    currency_code: 'USD',
  });
  await call('login taken', reseller, 'register', { email: 'other@shop.example', login: 'new_shop' });
  const user = new UniSender({ api_key: registered.result && registered.result.api_key });
  await call('new user', user, 'getUserInfo');
  await call('money moved', reseller, 'transferMoney', {
    source_email: 'desk@nord.example', target_email: 'new@shop.example', sum: '100.00', currency: 'USD',
  });
  await call('not enough money', reseller, 'transferMoney', {
    source_email: 'new@shop.example', target_email: 'desk@nord.example', sum: '125.97', currency: 'USD',
  });
  await call('tariff changed', reseller, 'changeTariff', { login: 'new_shop', tariff_id: 72 });
  await call('tariff refused', reseller, 'changeTariff', { login: 'new_shop', tariff_id: 90 });
  await call('sender', ordinary, 'validateSender', { email: 'news@acme.example' });
  await call('no source for the answer', reseller, 'getTariffs');
  await call('not simulated', ordinary, 'getLists');
}

main();
