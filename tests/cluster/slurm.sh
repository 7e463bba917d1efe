#!/usr/bin/env bash
# A real SLURM on this machine to test against, from Debian's packages and without systemd. As root:
#
#   tests/cluster/slurm.sh up FOLDER     install what is missing and start; all its files lie in FOLDER
#   tests/cluster/slurm.sh down FOLDER   cancel the jobs, stop all of it, remove FOLDER
#
# Nodes gpu1 and gpu2 with two make-believe GPUs each, and cpu1; partitions gpu, cpu, and gpu-urgent, whose jobs preempt
# those of gpu by requeueing. A job database, where root has the account `bakeoff`. It listens on 127.0.0.1 alone.
set -euo pipefail

FOLDER=$(realpath -m "${2:?usage: slurm.sh up|down FOLDER}")
MARK="# written by Bakeoff's tests/cluster/slurm.sh"
HOST=$(hostname -s)
NODES="gpu1 gpu2 cpu1"

up() {
    [ "$(id -u)" = 0 ] || give_up "needs root: slurmd becomes the user of each job"
    check_place
    mkdir -p "$FOLDER"/{bin,log,run,spool/gpu1,spool/gpu2,spool/cpu1,state,tmp/gpu1,tmp/gpu2,tmp/cpu1}
    install_packages
    getent hosts "$HOST" >/dev/null || echo "127.0.0.1 $HOST" >>/etc/hosts
    write_commands
    write_configuration
    start_munge
    start_database
    slurmctld
    wait_for slurmctld sh -c 'scontrol ping | grep -q "is UP"'
    for node in $NODES; do slurmd -N "$node"; done
    wait_for "the nodes" nodes_are_idle
}

down() {
    if alive slurmctld; then # jobs outlive slurmd, so they go first
        squeue -ho %A | xargs -r scancel
        for _ in $(seq 150); do
            [ -n "$(squeue -h)" ] || break
            sleep 0.2
        done
    fi
    for node in $NODES; do stop "slurmd-$node"; done
    for daemon in slurmctld slurmdbd mariadbd munged; do stop "$daemon"; done
    for file in slurm.conf gres.conf; do
        [ "$(readlink "/etc/slurm/$file")" != "$FOLDER/$file" ] || rm "/etc/slurm/$file"
    done
    rm -rf "$FOLDER"
}

# SLURM's own variable for another place, SLURM_CONF, does not reach what Snakemake starts inside a job.
check_place() {
    local conf=/etc/slurm/slurm.conf other
    [ -e "$conf" ] || return 0
    grep -q "^$MARK" "$conf" || give_up "$conf is not ours: this machine belongs to another SLURM"
    other=$(dirname "$(readlink "$conf")")
    [ "$other" = "$FOLDER" ] || give_up "another one is there: $0 down $other"
}

install_packages() {
    local wanted=(munge slurmctld slurmd slurm-client slurmdbd mariadb-server)
    ! dpkg -s "${wanted[@]}" >/dev/null 2>&1 || return 0
    if [ ! -e /usr/sbin/policy-rc.d ]; then # answering 101, it keeps packages from starting daemons of their own
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" \
        </dev/null >"$FOLDER/log/apt.log" 2>&1 || give_up "$(tail -3 "$FOLDER/log/apt.log")"
}

# What makes nodes of one machine differ: each job has its node's folder for temporary files, and finds a driver's
# command where there are GPUs.
write_commands() {
    cat >"$FOLDER/bin/nvidia-smi" <<EOT
#!/bin/sh
echo '0, GPU-0'
echo '1, GPU-1'
EOT
    cat >"$FOLDER/prolog" <<EOT
#!/bin/sh
echo "export TMPDIR=$FOLDER/tmp/\$SLURMD_NODENAME"
case \$SLURMD_NODENAME in gpu*) echo "export PATH=$FOLDER/bin:\$PATH" ;; esac
EOT
    chmod 755 "$FOLDER/bin/nvidia-smi" "$FOLDER/prolog"
}

write_configuration() {
    cat >"$FOLDER/slurm.conf" <<EOT
$MARK
ClusterName=bakeoff
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=26817
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$FOLDER/run/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
# %n is the name of the node: each slurmd on this machine needs files of its own.
SlurmctldPidFile=$FOLDER/run/slurmctld.pid
SlurmdPidFile=$FOLDER/run/slurmd-%n.pid
SlurmctldLogFile=$FOLDER/log/slurmctld.log
SlurmdLogFile=$FOLDER/log/slurmd-%n.log
SlurmdSpoolDir=$FOLDER/spool/%n
StateSaveLocation=$FOLDER/state
# No cgroups: a step's processes are those of its group, which end with its first; they are pinned to nothing.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
TaskProlog=$FOLDER/prolog
MpiDefault=none
# The processors and the memory written below, not what slurmd finds.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
ReturnToService=2
# Snakemake asks squeue for jobs that have ended: it must know them three times as long as is between two questions.
MinJobAge=600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=batch_sched_delay=0,sched_interval=5,bf_interval=5
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=26819
# With munge no password, but where its socket is.
AccountingStoragePass=$FOLDER/run/munge.socket
AccountingStorageTRES=gres/gpu
JobAcctGatherType=jobacct_gather/linux
NodeName=gpu1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=26821 CPUs=4 RealMemory=64000 Gres=gpu:2
NodeName=gpu2 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=26822 CPUs=4 RealMemory=64000 Gres=gpu:2
NodeName=cpu1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=26823 CPUs=4 RealMemory=64000
PartitionName=gpu Nodes=gpu[1-2] PriorityTier=1 MaxTime=1-0
PartitionName=gpu-urgent Nodes=gpu[1-2] PriorityTier=10 PreemptMode=OFF MaxTime=1-0
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=1-0
EOT
    # Copies of /dev/null: with ordinary files CUDA_VISIBLE_DEVICES would stay unset. Its value is the last digit.
    for gpu in 0 1; do mknod -m 666 "$FOLDER/gpu$gpu" c 1 3; done
    cat >"$FOLDER/gres.conf" <<EOT
AutoDetect=off
NodeName=gpu[1-2] Name=gpu File=$FOLDER/gpu[0-1]
EOT
    (umask 077 && cat >"$FOLDER/slurmdbd.conf") <<EOT # slurmdbd refuses a file that others can read
AuthType=auth/munge
AuthInfo=socket=$FOLDER/run/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=26819
SlurmUser=root
LogFile=$FOLDER/log/slurmdbd.log
PidFile=$FOLDER/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
CommunicationParameters=NoInAddrAny
EOT
    mkdir -p /etc/slurm
    ln -sf "$FOLDER/slurm.conf" "$FOLDER/gres.conf" /etc/slurm/
}

start_munge() {
    (umask 077 && head -c 128 /dev/urandom >"$FOLDER/munge.key")
    munged --force --key-file="$FOLDER/munge.key" --socket="$FOLDER/run/munge.socket" --seed-file="$FOLDER/munge.seed" \
        --pid-file="$FOLDER/run/munged.pid" --log-file="$FOLDER/log/munged.log" 2>/dev/null
}

start_database() {
    local socket="$FOLDER/run/mariadb.socket"
    mariadb-install-db --no-defaults --datadir="$FOLDER/database" --user=root --skip-test-db >"$FOLDER/log/mariadb.log" 2>&1
    setsid mariadbd --no-defaults --datadir="$FOLDER/database" --user=root --skip-networking --socket="$socket" \
        --pid-file="$FOLDER/run/mariadbd.pid" </dev/null >>"$FOLDER/log/mariadb.log" 2>&1 &
    wait_for mariadbd mariadb --no-defaults --socket="$socket" -e "select 1"
    MYSQL_UNIX_PORT=$socket SLURM_CONF="$FOLDER/slurm.conf" slurmdbd
    wait_for slurmdbd sacctmgr -n list cluster
    sacctmgr -iQ add cluster bakeoff >/dev/null # before slurmctld asks for it
    sacctmgr -iQ add account bakeoff cluster=bakeoff >/dev/null
    sacctmgr -iQ add user root account=bakeoff cluster=bakeoff >/dev/null
}

nodes_are_idle() { [ "$(sinfo -hNo %t | sort | uniq -c | xargs)" = "5 idle" ]; } # two nodes are in two partitions

give_up() {
    echo "slurm.sh: $1" >&2
    exit 1
}

wait_for() { # wait_for WHAT COMMAND...: half a minute at most
    local what=$1
    shift
    for _ in $(seq 150); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.2
    done
    give_up "$what did not start; logs are in $FOLDER/log"
}

alive() { # alive DAEMON: known by its executable, so that neither a reused process id nor a zombie deceives
    local file="$FOLDER/run/$1.pid"
    [ -s "$file" ] && case "$(readlink "/proc/$(cat "$file" 2>/dev/null)/exe")" in */"${1%%-*}"*) ;; *) false ;; esac
}

stop() { # stop DAEMON: politely, after five seconds not
    alive "$1" || return 0
    local pid
    pid=$(cat "$FOLDER/run/$1.pid")
    kill "$pid"
    for _ in $(seq 50); do
        alive "$1" || return 0
        sleep 0.1
    done
    kill -9 "$pid"
}

case $1 in
up | down) "$1" ;;
*) give_up "usage: slurm.sh up|down FOLDER" ;;
esac
