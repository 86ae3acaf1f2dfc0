// What of a ServiceNow instance our business rule touches: reads the scenario from the command line, runs the
// rule in it, and prints the request that it made.
const fs = require('fs');
const crypto = require('crypto');
const vm = require('vm');
const [, , rule, scenario] = process.argv;
const given = JSON.parse(scenario);
const sent = { headers: {} };

class Row {
  constructor(table, rows) { this.table = table; this.rows = rows || []; this.at = -1; this.own = {}; this.queries = []; }
  initialize() {}
  setValue(name, value) { this.own[name] = value; }
  getDisplayValue(name) { return given.labels[name] ? given.labels[name][this.own[name]] : this.own[name]; }
  addQuery(...query) { this.queries.push(query); }
  query() {
    const rows = { sys_audit: given.audit, sys_journal_field: given.journal, sys_choice: given.choices }[this.table];
    const meets = { '>=': (found, value) => found >= value, '>': (found, value) => Number(found) > value };
    this.rows = rows.filter((row) => this.queries.every(
      ([name, operator, value]) => (value === undefined
        ? row[name] === undefined || row[name] === operator : meets[operator](row[name], value))));
    if (this.descending) this.rows.sort((one, other) => other[this.descending] - one[this.descending]);
  }
  orderByDesc(name) { this.descending = name; }
  next() { this.at += 1; return this.at < this.rows.length; }
  getValue(name) { return this.at < 0 ? this.own[name] : this.rows[this.at][name]; }
}

class Time {
  constructor(text) { this.at = new Date(text.replace(' ', 'T') + 'Z'); }
  addSeconds(seconds) { this.at = new Date(this.at.getTime() + seconds * 1000); }
  getValue() { return this.at.toISOString().slice(0, 19).replace('T', ' '); }
}

const current = {
  caller_id: { user_name: given.caller },
  operation: () => given.operation,
  getTableName: () => 'incident',
  getUniqueValue: () => given.values.sys_id,
  getValue: (name) => given.values[name],
  getDisplayValue: (name) => (given.labels[name] || {})[given.values[name]] || given.values[name],
};

vm.runInNewContext(fs.readFileSync(rule, 'utf8'), {
  current, previous: null, GlideRecord: Row, GlideDateTime: Time, JSON, String, Math, Date,
  GlideStringUtil: { base64Encode: (text) => Buffer.from(text).toString('base64') },
  GlideCertificateEncryption: class {
    generateMac(key, algorithm, content) {
      if (algorithm !== 'HmacSHA256') throw new Error(algorithm);
      return crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(content, 'utf8').digest('base64');
    }
  },
  gs: { getProperty: (name) => given.properties[name], error: (text) => { sent.error = text; } },
  sn_ws: {
    RESTMessageV2: class {
      setEndpoint(url) { sent.url = url; }
      setHttpMethod(method) { sent.method = method; }
      setRequestHeader(name, value) { sent.headers[name.toLowerCase()] = value; }
      setRequestBody(body) { sent.body = body; }
      setHttpTimeout() {}
      execute() { return { getStatusCode: () => given.answer || 200 }; }
    },
  },
});
console.log(JSON.stringify(sent));
