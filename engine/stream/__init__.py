"""The Faust shell: everything between Kafka and the pure core (transport, state, delivery, time, health)."""
