// Business rule of ServiceNow that tells Vigil of every change of an incident.
//
//   Application: Global; Table: Incident; When: async; Insert, Update and Delete: yes; Advanced: yes
//   System properties (sys_properties.list): vigil.intake.url    https://your-host/in/servicenow
//                                            vigil.intake.secret the door's secret (type password2)
//
// An async rule runs after the transaction, so a slow or absent Vigil delays nobody; what fails is logged and
// closed by `vigil intake`'s dead letters or by loading the gap again.
(function executeRule(current, previous /*null when async*/) {
  var FIELDS = ['sys_id', 'number', 'sys_mod_count', 'sys_created_on', 'sys_updated_on', 'short_description',
    'priority', 'state', 'hold_reason', 'assigned_to', 'assignment_group', 'caller_id', 'company',
    'business_service', 'cmdb_ci', 'contact_type'];
  // Names as people see them, but for what is a key or a time.
  var RAW = { sys_id: true, number: true, sys_mod_count: true, sys_created_on: true, sys_updated_on: true };

  // What is chosen from a list is told in English: the label that people see is in the language of whoever made the
  // change, and the door's mapping has one name for each.
  var CHOICES = { priority: true, state: true, hold_reason: true, contact_type: true };
  var TABLES = [current.getTableName(), 'incident', 'task'];
  var known = {};

  function record(from) {
    var found = {};
    for (var i = 0; i < FIELDS.length; i++) {
      found[FIELDS[i]] = shown(from, FIELDS[i]);
    }
    return found;
  }

  function shown(from, name) {
    var english = CHOICES[name] ? englishOf(name, String(from.getValue(name) || '')) : '';
    return english || String((RAW[name] ? from.getValue(name) : from.getDisplayValue(name)) || '');
  }

  // Empty where the list has none: then the label is as people see it.
  function englishOf(name, value) {
    var key = name + '=' + value;
    for (var i = 0; value && i < TABLES.length && !known[key]; i++) {
      var choice = new GlideRecord('sys_choice');
      choice.addQuery('name', TABLES[i]);
      choice.addQuery('element', name);
      choice.addQuery('value', value);
      choice.addQuery('language', 'en');
      choice.query();
      known[key] = choice.next() ? String(choice.getValue('label') || '') : '';
    }
    return known[key] || '';
  }

  // An async rule runs after the change, perhaps after the next one: it is given the record as it is then, and no
  // `previous`. So it tells what the history has of the last ten minutes; each change and comment counts once.
  function since() {
    var time = new GlideDateTime(current.getValue('sys_updated_on'));
    time.addSeconds(-600);
    return time.getValue();
  }

  function copy(of) {
    return JSON.parse(JSON.stringify(of));
  }

  // Oldest first: the record as each change left it, and as it was before.
  function changes(now) {
    var found = [];
    var audit = new GlideRecord('sys_audit');
    audit.addQuery('documentkey', current.getUniqueValue());
    audit.addQuery('sys_created_on', '>=', since());
    audit.addQuery('record_checkpoint', '>', 0); // 0 is the insert
    audit.orderByDesc('record_checkpoint');
    audit.query();
    while (audit.next()) {
      var count = audit.getValue('record_checkpoint');
      if (!found.length || found[0].current.sys_mod_count !== count) {
        var then = copy(found.length ? found[0].previous : now);
        then.sys_mod_count = count;
        then.sys_updated_on = audit.getValue('sys_created_on');
        found.unshift({ current: then, previous: copy(then) });
      }
      var name = audit.getValue('fieldname');
      if (name in now && !RAW[name]) {
        found[0].previous[name] = displayOf(name, audit.getValue('oldvalue'));
      }
    }
    return found;
  }

  function displayOf(name, value) {
    var other = new GlideRecord(current.getTableName());
    other.initialize();
    other.setValue(name, value || '');
    return shown(other, name);
  }

  function comments() {
    var found = [];
    var entry = new GlideRecord('sys_journal_field');
    entry.addQuery('element_id', current.getUniqueValue());
    entry.addQuery('sys_created_on', '>=', since());
    entry.query();
    while (entry.next()) {
      found.push({
        id: entry.getValue('sys_id'),
        at: entry.getValue('sys_created_on'),
        public: entry.getValue('element') === 'comments',
        by: entry.getValue('sys_created_by'),
        by_caller: entry.getValue('sys_created_by') === String(current.caller_id.user_name)
      });
    }
    return found;
  }

  var now = record(current);
  var operation = String(current.operation());
  var told = operation === 'update' ? changes(now) : [];
  var body = JSON.stringify({
    table: current.getTableName(),
    operation: operation,
    current: now,
    previous: told.length ? told[told.length - 1].previous : now,
    changes: told,
    comments: comments()
  });

  var timestamp = String(Math.floor(new Date().getTime() / 1000));
  var secret = gs.getProperty('vigil.intake.secret');
  var key = GlideStringUtil.base64Encode(secret);
  var digest = new GlideCertificateEncryption().generateMac(key, 'HmacSHA256', timestamp + '.' + body);

  var request = new sn_ws.RESTMessageV2();
  request.setEndpoint(gs.getProperty('vigil.intake.url'));
  request.setHttpMethod('post');
  request.setRequestHeader('Content-Type', 'application/json');
  request.setRequestHeader('X-Vigil-Timestamp', timestamp);
  request.setRequestHeader('X-Vigil-Signature', 'sha256-base64=' + digest);
  request.setRequestBody(body);
  request.setHttpTimeout(10000);
  var answer = request.execute();
  if (answer.getStatusCode() >= 300) {
    gs.error('Vigil intake: ' + answer.getStatusCode() + ' for ' + now.number + ' (' + now.sys_mod_count + ')');
  }
})(current, previous);
